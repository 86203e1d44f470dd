#pragma once
/*
 * What another thread of this process does, as Linux tells it. For tests that count the operations
 * of a thread: they go on when it has nothing left to do. Any thread.
 */

/* The calling thread's number, for the function below. */
int thread_number(void);

/* Returns when the thread sleeps, or is no more. */
void thread_wait_until_asleep(int number);
