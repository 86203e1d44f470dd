/*
 * What the spilling log does step by step: when the log behind it fails, while it is away, when it
 * is back, when the spill is full or broken, and at its end. spill_sim_test.c mixes all of it.
 */
#include "infrastructure/event_log_local/event_log_local.h"
#include "spill_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct spill_rig rig;

static void begin(const struct spill_options *options)
{
    spill_rig_init(&rig, options);
    assert_true(spill_rig_open(&rig));
}

static const struct spill_options roomy = {.seed = 1, .spill_bytes_max = 1 << 20, .drain_ms = 1};

static void finish(void)
{
    char trouble[SPILL_TROUBLE_BYTES];
    event_log_free(TAKE(rig.log));
    if (!spill_rig_check(&rig, trouble)) {
        fail_msg("%s", trouble);
    }
    spill_rig_deinit(&rig);
}

static void come_back(void)
{
    remote_set_away(&rig.remote, false);
    assert_true(spill_rig_wait_direct(&rig));
}

static void pause_ms(unsigned ms)
{
    const struct timespec pause = {.tv_nsec = (long)ms * 1000000};
    nanosleep(&pause, NULL);
}

static void expect_away(const struct event_log_state *about, struct uuid remote_id)
{
    assert_true(about->spill.configured && about->spill.activities > 0 && about->spill.bytes > 0);
    assert_true(about->spill.bytes_max > 0);
    assert_int_equal(about->accepting, STATUS_OK);
    assert_int_equal(about->durability, DURABILITY_LOCAL_DISK);
    assert_string_equal(about->kind, "remote");
    assert_true(uuid_equal(about->log_id, remote_id));
    assert_non_null(strstr(about->reason, "remote cannot be reached"));
}

/* Away, in whichever words, which the seed decides: answered from this machine's disk, with the
 * spill's id and positions, and the state says so. Back: all of it is in the log, which answers by
 * itself again. */
static void keeps_on_this_disk_what_cannot_get_there(void **state)
{
    (void)state;
    struct spill_options options = roomy;
    for (options.seed = 1; options.seed <= 10; options.seed++) {
        begin(&options);
        struct spill_append told = spill_rig_append_and_wait(&rig, 0);
        assert_int_equal(told.durability, DURABILITY_REPLICATED);
        struct uuid remote_id = told.log_id;
        remote_set_away(&rig.remote, true);
        for (int i = 0; i < 5; i++) {
            told = spill_rig_append_and_wait(&rig, 0);
            assert_int_equal(told.status, STATUS_OK);
        }
        assert_int_equal(told.durability, DURABILITY_LOCAL_DISK);
        assert_false(uuid_equal(told.log_id, remote_id));
        assert_int_equal(told.reached.partition, 0);
        assert_in_range(told.reached.offset, 0, 4);
        struct event_log_state about = spill_rig_state(&rig);
        expect_away(&about, remote_id);
        come_back();
        assert_int_equal(spill_rig_state(&rig).spill.activities, 0);
        told = spill_rig_append_and_wait(&rig, 0);
        assert_int_equal(told.durability, DURABILITY_REPLICATED);
        finish();
    }
}

static enum status find_moved(const struct spill_append *told, int64_t *out_offset)
{
    struct moved_activities *moved = event_log_spill_moved(rig.log);
    struct position named = told->reached;
    const struct position_set receipt = {.items = &named, .count = 1, .capacity = 1};
    struct position_set found;
    position_set_init(&found);
    enum status status = moved->find(moved, told->log_id, &receipt, &found);
    *out_offset = found.count == 0 ? -1 : position_set_get(&found, 3); /* as the remote says */
    position_set_deinit(&found);
    return status;
}

/* Who has a receipt of the spill can wait for what it names: until it is moved, and then for where
 * it is. What another process moved, nobody can find. */
static void tells_where_what_was_moved_is(void **state)
{
    (void)state;
    struct spill_append told[3];
    int64_t offset;
    begin(&roomy);
    struct spill_append direct = spill_rig_append_and_wait(&rig, 0);
    assert_int_equal(find_moved(&direct, &offset), STATUS_NOT_FOUND);
    remote_set_away(&rig.remote, true);
    for (size_t i = 0; i < ARRAY_LENGTH(told); i++) {
        told[i] = spill_rig_append_and_wait(&rig, 0);
        assert_int_equal(told[i].durability, DURABILITY_LOCAL_DISK);
        assert_int_equal(find_moved(&told[i], &offset), STATUS_BUSY);
    }
    come_back();
    int64_t written = (int64_t)remote_count(&rig.remote);
    for (size_t i = 0; i < ARRAY_LENGTH(told); i++) {
        assert_int_equal(find_moved(&told[i], &offset), STATUS_OK);
        assert_int_equal(offset, written); /* where the last one is that was moved */
    }
    told[0].log_id.bytes[0] ^= 1;
    assert_int_equal(find_moved(&told[0], &offset), STATUS_NOT_FOUND);
    spill_rig_close(&rig, SPILL_END_CLEAN);
    assert_true(spill_rig_open(&rig));
    assert_int_equal(find_moved(&told[2], &offset), STATUS_UNAVAILABLE);
    finish();
}

/* An append that the log has under way when the failure comes waits for its fate, and so does what
 * comes behind it; nobody's thread is held up. */
static void nothing_is_decided_before_its_fate_is_known(void **state)
{
    (void)state;
    begin(&roomy);
    remote_hold(&rig.remote, true);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(spill_rig_append(&rig, 0, 2, NULL), STATUS_OK);
    }
    pause_ms(20);
    assert_int_equal(rig.open, 10);
    assert_int_equal(spill_rig_state(&rig).durability, DURABILITY_REPLICATED);
    remote_give_up(&rig.remote); /* fails some of them, from the first to the last */
    assert_true(spill_rig_wait_told(&rig));
    for (size_t i = 0; i < rig.append_count; i++) {
        assert_int_equal(rig.appends[i].status, STATUS_OK);
    }
    remote_hold(&rig.remote, false);
    come_back();
    finish();
}

/* Copies in memory have a limit, and are let go with the result. */
static void holds_no_more_than_it_may(void **state)
{
    (void)state;
    struct spill_options options = roomy;
    options.held_bytes_max = 4096;
    begin(&options);
    remote_hold(&rig.remote, true);
    int accepted = 0;
    enum status status;
    while ((status = spill_rig_append(&rig, 0, 1, NULL)) == STATUS_OK) {
        assert_in_range(++accepted, 0, 30);
    }
    assert_int_equal(status, STATUS_BUSY);
    assert_in_range(accepted, 5, 30);
    remote_hold(&rig.remote, false);
    assert_true(spill_rig_wait_told(&rig));
    assert_int_equal(spill_rig_append_and_wait(&rig, 0).status, STATUS_OK);
    finish();
}

static size_t fill_spill(void)
{
    size_t refused = 0;
    remote_set_away(&rig.remote, true);
    for (int i = 0; i < 1000 && refused < 3; i++) {
        struct spill_append told = spill_rig_append_and_wait(&rig, 0);
        assert_true(told.status == STATUS_OK || told.status == STATUS_UNAVAILABLE);
        refused += told.status != STATUS_OK;
    }
    return refused;
}

/* A full spill is a log that is away, not a full disk: UNAVAILABLE, it says itself what gives it
 * room, and it recovers. */
static void a_full_spill_refuses_and_recovers(void **state)
{
    (void)state;
    struct spill_options options = roomy;
    options.spill_bytes_max = 16 * 1024;
    begin(&options);
    assert_int_equal(fill_spill(), 3);
    struct event_log_state about = spill_rig_state(&rig);
    assert_int_equal(about.accepting, STATUS_NO_SPACE);
    assert_string_equal(about.spill.reason,
                        "the spill holds all of its 16384 bytes; it goes on when "
                        "Kafka takes some, or with a higher limit");
    assert_non_null(strstr(about.reason, "does not accept: the spill holds"));
    assert_non_null(strstr(about.reason, "higher limit"));
    assert_int_equal(about.spill.retry_after_s, 0); /* nobody knows when it will be back */
    come_back();
    assert_int_equal(spill_rig_state(&rig).accepting, STATUS_OK);
    assert_int_equal(spill_rig_append_and_wait(&rig, 0).status, STATUS_OK);
    finish();
}

/* A disk below the spill that fails loses nothing that was promised, refuses the rest, and does not
 * keep appends from going directly when the log is back. */
static void a_broken_spill_does_not_stand_in_the_way(void **state)
{
    (void)state;
    begin(&roomy);
    remote_set_away(&rig.remote, true);
    assert_int_equal(spill_rig_append_and_wait(&rig, 0).status, STATUS_OK);
    disk_simulated_fail_at(rig.disk, 1, EIO, true);
    enum status status;
    do {
        status = spill_rig_append_and_wait(&rig, 0).status;
    } while (status == STATUS_OK);
    assert_int_equal(status, STATUS_UNAVAILABLE);
    assert_int_not_equal(spill_rig_state(&rig).accepting, STATUS_OK);
    disk_simulated_fail_at(rig.disk, 0, 0, false);
    come_back();
    struct spill_append told = spill_rig_append_and_wait(&rig, 0);
    assert_int_equal(told.status, STATUS_OK);
    assert_int_equal(told.durability, DURABILITY_REPLICATED);
    finish();
}

static void read_lines(int descriptor, char *text, size_t size)
{
    ssize_t len = read(descriptor, text, size - 1);
    text[len > 0 ? len : 0] = '\0';
}

static bool wait_for_spill(enum status accepting)
{
    for (int i = 0; i < 5000 && spill_rig_state(&rig).spill.accepting != accepting; i++) {
        pause_ms(1);
    }
    return spill_rig_state(&rig).spill.accepting == accepting;
}

static size_t count_text(const char *text, const char *wanted)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, wanted)) != NULL; at++) {
        count++;
    }
    return count;
}

/* A disk below the spill that fails while nobody needs it shows all the same, is told once, and
 * keeps no append from going directly; and so does one that is well again. */
static void tells_a_broken_spill_before_it_is_needed(void **state)
{
    (void)state;
    int ends[2];
    char text[8192];
    struct spill_options options = roomy;
    options.look_every_ms = 1;
    assert_int_equal(pipe(ends), 0);
    spill_rig_init(&rig, &options);
    rig.logger = (struct logger){.clock = &clock_system,
                                 .descriptor = ends[1],
                                 .format = LOG_FORMAT_JSON,
                                 .level = LOG_INFO};
    assert_true(spill_rig_open(&rig));
    pause_ms(300); /* for some looks */
    assert_int_equal(spill_rig_state(&rig).spill.accepting, STATUS_OK);
    disk_simulated_fail_at(rig.disk, 1, EIO, true);
    assert_true(wait_for_spill(STATUS_UNAVAILABLE));
    struct event_log_state about = spill_rig_state(&rig);
    assert_int_equal(about.accepting, STATUS_OK);
    assert_string_equal(about.reason, "");
    assert_non_null(strstr(about.spill.reason, "spill/"));
    assert_int_equal(spill_rig_append_and_wait(&rig, 0).durability, DURABILITY_REPLICATED);
    pause_ms(600); /* for more looks */
    disk_simulated_fail_at(rig.disk, 0, 0, false);
    assert_true(wait_for_spill(STATUS_OK));
    read_lines(ends[0], text, sizeof text);
    assert_int_equal(count_text(text, "the spill does not accept activities"), 1);
    assert_int_equal(count_text(text, "the spill accepts activities again"), 1);
    rig.logger = silent_logger;
    close(ends[0]);
    close(ends[1]);
    finish();
}

/* A disk without room for its first file is no reason not to start: nobody needs the spill yet. It
 * says so, and takes what it needs as soon as there is some. */
static void starts_without_room_for_the_spill(void **state)
{
    (void)state;
    enum { BYTES = 2000 };
    spill_rig_init(&rig, &roomy);
    disk_simulated_set_capacity(rig.disk, BYTES);
    assert_true(spill_rig_open(&rig));
    struct event_log_state about = spill_rig_state(&rig);
    assert_int_equal(about.accepting, STATUS_OK);
    assert_int_equal(about.spill.accepting, STATUS_NO_SPACE);
    assert_non_null(strstr(about.spill.reason, "spill/"));
    assert_int_equal(spill_rig_append_and_wait(&rig, 0).durability, DURABILITY_REPLICATED);
    spill_rig_close(&rig, SPILL_END_CLEAN);
    assert_true(spill_rig_open(&rig));
    remote_set_away(&rig.remote, true);
    while (spill_rig_append_and_wait(&rig, 0).status == STATUS_OK) {
    }
    disk_simulated_set_capacity(rig.disk, UINT64_MAX);
    assert_true(wait_for_spill(STATUS_OK));
    struct spill_append told = spill_rig_append_and_wait(&rig, 0);
    assert_int_equal(told.status, STATUS_OK);
    assert_int_equal(told.durability, DURABILITY_LOCAL_DISK);
    come_back();
    finish();
}

/* What the log would refuse when it is back is refused at once, as when it can be reached. */
static void what_the_log_never_takes_is_not_spilled(void **state)
{
    (void)state;
    enum { NARROW_BYTES = 240 }; /* activities of tests have 200 to 300 */
    begin(&roomy);
    remote_set_away(&rig.remote, true);
    while (spill_rig_append_and_wait(&rig, 0).durability != DURABILITY_LOCAL_DISK) {
    }
    remote_set_activity_bytes_max(&rig.remote, NARROW_BYTES);
    size_t refused = 0;
    for (int i = 0; i < 50; i++) {
        struct spill_append told = spill_rig_append_and_wait(&rig, 0);
        refused += told.status == STATUS_TOO_LARGE;
        assert_true(told.status == STATUS_OK || told.status == STATUS_TOO_LARGE);
    }
    assert_in_range(refused, 10, 40);
    come_back();
    finish();
}

/* The limit was lowered, or it is another topic: what was promised is kept beside the spill, also
 * over a crash, and nothing waits for it. finish() sees that all else came through in order. */
static void what_is_never_taken_is_set_aside(void **state)
{
    (void)state;
    uint64_t numbers[SPILL_SET_ASIDE_MAX];
    begin(&roomy);
    remote_set_away(&rig.remote, true);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(spill_rig_append_and_wait(&rig, 0).status, STATUS_OK);
    }
    assert_true(spill_rig_state(&rig).spill.activities > 10);
    rig.options.refuses_every = 19;
    remote_refuse_every(&rig.remote, rig.options.refuses_every);
    come_back();
    assert_int_equal(spill_rig_append_and_wait(&rig, 0).durability, DURABILITY_REPLICATED);
    assert_int_equal(spill_rig_append_and_wait(&rig, 0).durability, DURABILITY_REPLICATED);
    spill_rig_close(&rig, SPILL_END_POWER);
    size_t count = spill_rig_set_aside(&rig, numbers);
    assert_in_range(count, 1, 2); /* the first may have got there before it was refused */
    assert_int_equal(numbers[count - 1], 19);
    assert_true(spill_rig_open(&rig));
    finish();
}

static void keep_name(void *context, const char *name)
{
    char *kept = context;
    if (strstr(name, "log-id") == NULL && strstr(name, "lock") == NULL &&
        (kept[0] == '\0' || strcmp(name, kept) < 0)) {
        snprintf(kept, 64, "%.60s", name);
    }
}

/* What cannot be read any more is no reason to hold up the rest. */
static void a_damaged_spill_does_not_stand_in_the_way(void **state)
{
    (void)state;
    char name[64] = "";
    char path[80];
    begin(&roomy);
    remote_set_away(&rig.remote, true);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(spill_rig_append_and_wait(&rig, 0).status, STATUS_OK);
    }
    assert_int_equal(disk_list(rig.disk, "spill", keep_name, name, NULL), STATUS_OK);
    snprintf(path, sizeof path, "spill/%s", name);
    uint64_t bytes = spill_rig_state(&rig).spill.bytes;
    assert_true(disk_simulated_flip_bit(rig.disk, path, (bytes - 40) * 8)); /* the last commit's */
    remote_set_away(&rig.remote, false);
    assert_true(spill_rig_wait_direct(&rig));
    assert_int_equal(spill_rig_append_and_wait(&rig, 0).durability, DURABILITY_REPLICATED);
    assert_int_equal(spill_rig_state(&rig).spill.activities, 0);
    assert_true(remote_count(&rig.remote) >= 10);
    spill_rig_deinit(&rig);
}

/* Under load the spill becomes empty all the same. */
static void comes_back_while_appends_go_on(void **state)
{
    (void)state;
    struct spill_options options = roomy;
    options.spill_bytes_max = 64 << 20;
    options.held_bytes_max = 64 * 1024; /* what is always under way */
    begin(&options);
    remote_set_away(&rig.remote, true);
    uint64_t end_ms = clock_monotonic_ms(&clock_system) + 10000;
    bool direct = false;
    for (int i = 0; !direct && clock_monotonic_ms(&clock_system) < end_ms &&
                    rig.append_count < SPILL_APPENDS_MAX;
         i++) {
        if (i == 200) {
            remote_set_away(&rig.remote, false);
        }
        if (spill_rig_append(&rig, 0, 1, NULL) != STATUS_OK) {
            pause_ms(1);
        }
        direct = i > 200 && spill_rig_state(&rig).reason[0] == '\0';
    }
    assert_true(direct);
    assert_true(spill_rig_wait_told(&rig));
    finish();
}

/* While the spill is emptied slowly, it says when there will be room. */
static void measures_how_fast_it_empties(void **state)
{
    (void)state;
    begin(&roomy);
    remote_set_away(&rig.remote, true);
    for (int i = 0; i < 700; i++) {
        assert_int_equal(spill_rig_append(&rig, 0, 8, NULL), STATUS_OK);
    }
    assert_true(spill_rig_wait_told(&rig));
    remote_set_delay(&rig.remote, 60);
    remote_set_away(&rig.remote, false);
    unsigned measured_s = 0;
    for (int i = 0; i < 2000 && measured_s == 0; i++) {
        measured_s = spill_rig_state(&rig).spill.retry_after_s;
        pause_ms(1);
    }
    assert_in_range(measured_s, 1, 60);
    remote_set_delay(&rig.remote, 0);
    assert_true(spill_rig_wait_direct(&rig));
    assert_int_equal(spill_rig_state(&rig).spill.retry_after_s, 0);
    finish();
}

/* What an earlier process left goes first, and what comes meanwhile behind it. */
static void moves_what_was_left_behind_first(void **state)
{
    (void)state;
    begin(&roomy);
    remote_set_away(&rig.remote, true);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(spill_rig_append_and_wait(&rig, 0).status, STATUS_OK);
    }
    spill_rig_close(&rig, SPILL_END_POWER);
    assert_true(spill_rig_open(&rig));
    assert_in_range(spill_rig_state(&rig).spill.activities, 1, 20);
    struct spill_append told = spill_rig_append_and_wait(&rig, 0);
    assert_int_equal(told.durability, DURABILITY_LOCAL_DISK);
    come_back();
    assert_int_equal(spill_rig_append_and_wait(&rig, 0).durability, DURABILITY_REPLICATED);
    finish();
}

/* Opens again with another topic, whether by the same settings or not. */
static bool reopen_for(const struct topic_mark *topic)
{
    rig.options.topic = topic;
    return spill_rig_open(&rig);
}

/* What waits for one topic goes to another only where somebody named that one; the folder says
 * which it is, from before the first append. */
static void what_waits_for_one_topic_goes_to_no_other_unasked(void **state)
{
    (void)state;
    static const struct topic_mark one = {.log_id = {{1}}, .settings = {{9}}, .partition_count = 1};
    static const struct topic_mark other = {
        .log_id = {{2}}, .settings = {{9}}, .partition_count = 1};
    static const struct topic_mark named = {
        .log_id = {{3}}, .settings = {{8}}, .partition_count = 1};
    struct topic_mark kept;
    struct spill_options options = roomy;
    options.topic = &one;
    begin(&options);
    assert_true(topic_mark_read(rig.disk, "spill", &kept) && uuid_equal(kept.log_id, one.log_id));
    spill_rig_close(&rig, SPILL_END_CLEAN);
    assert_true(reopen_for(&other)); /* nothing waits */
    remote_set_away(&rig.remote, true);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(spill_rig_append_and_wait(&rig, 0).status, STATUS_OK);
    }
    spill_rig_close(&rig, SPILL_END_POWER);
    size_t written = remote_count(&rig.remote);
    remote_set_away(&rig.remote, false);
    assert_false(reopen_for(&one));
    assert_false(reopen_for(&one)); /* refusing it changed nothing */
    assert_int_equal(remote_count(&rig.remote), written);
    assert_true(topic_mark_read(rig.disk, "spill", &kept) && uuid_equal(kept.log_id, other.log_id));
    assert_true(reopen_for(&named));
    assert_true(spill_rig_wait_direct(&rig));
    assert_true(topic_mark_read(rig.disk, "spill", &kept) && uuid_equal(kept.log_id, named.log_id));
    finish(); /* all of it is there */
}

static const struct topic_mark first_topic = {
    .log_id = {{1}}, .settings = {{9}}, .partition_count = 1};
static const struct topic_mark second_topic = {
    .log_id = {{2}}, .settings = {{8}}, .partition_count = 1};

/* The folder holds the mark of the first topic, the disk has no room, and the log is the second:
 * it takes activities, and no mark is left that names the first, whatever a power cut brings back.
 */
static void goes_on_without_the_mark(void)
{
    struct topic_mark kept;
    assert_true(topic_mark_read(rig.disk, "spill", &kept));
    disk_simulated_set_capacity(rig.disk, 0);
    assert_true(reopen_for(&second_topic));
    assert_false(topic_mark_read(rig.disk, "spill", &kept));
    assert_int_equal(spill_rig_append_and_wait(&rig, 0).durability, DURABILITY_REPLICATED);
    spill_rig_close(&rig, SPILL_END_POWER);
    assert_false(topic_mark_read(rig.disk, "spill", &kept));
    assert_true(reopen_for(&second_topic)); /* nor does one have to be there */
    spill_rig_close(&rig, SPILL_END_CLEAN);
}

/* A full disk is no reason not to start where nothing waits, as long as no mark is believed that
 * says something else. It says so; and with room again the mark is kept. */
static void starts_without_room_for_the_mark(void **state)
{
    (void)state;
    int ends[2];
    char text[8192];
    struct topic_mark kept;
    struct spill_options options = roomy;
    options.topic = &first_topic;
    assert_int_equal(pipe(ends), 0);
    begin(&options);
    spill_rig_close(&rig, SPILL_END_CLEAN);
    rig.logger = (struct logger){.clock = &clock_system,
                                 .descriptor = ends[1],
                                 .format = LOG_FORMAT_JSON,
                                 .level = LOG_WARNING};
    goes_on_without_the_mark();
    read_lines(ends[0], text, sizeof text);
    assert_int_equal(count_text(text, "no room to note which topic"), 2);
    rig.logger = silent_logger;
    disk_simulated_set_capacity(rig.disk, UINT64_MAX);
    assert_true(reopen_for(&second_topic));
    assert_true(topic_mark_read(rig.disk, "spill", &kept) &&
                uuid_equal(kept.log_id, second_topic.log_id));
    close(ends[0]);
    close(ends[1]);
    finish();
}

/* For what waits the mark is not given up: the start fails, and changes nothing. */
static void keeps_the_mark_of_what_waits_on_a_full_disk(void **state)
{
    (void)state;
    struct topic_mark kept;
    struct spill_options options = roomy;
    options.topic = &first_topic;
    begin(&options);
    remote_set_away(&rig.remote, true);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(spill_rig_append_and_wait(&rig, 0).status, STATUS_OK);
    }
    spill_rig_close(&rig, SPILL_END_CLEAN);
    remote_set_away(&rig.remote, false);
    size_t written = remote_count(&rig.remote);
    disk_simulated_set_capacity(rig.disk, 0);
    assert_false(reopen_for(&second_topic));
    assert_int_equal(remote_count(&rig.remote), written);
    assert_true(topic_mark_read(rig.disk, "spill", &kept) &&
                uuid_equal(kept.log_id, first_topic.log_id));
    assert_true(reopen_for(&first_topic)); /* it stands there already */
    assert_true(spill_rig_wait_direct(&rig));
    disk_simulated_set_capacity(rig.disk, UINT64_MAX);
    finish();
}

/* What was moved does not come up again after a crash, though the spill's last file holds it. */
static void a_crash_does_not_bring_up_again_what_was_moved(void **state)
{
    (void)state;
    begin(&roomy);
    for (int round = 0; round < 5; round++) {
        remote_set_away(&rig.remote, true);
        for (int i = 0; i < 20; i++) {
            assert_int_equal(spill_rig_append_and_wait(&rig, 0).status, STATUS_OK);
        }
        come_back();
        pause_ms(30); /* it is kept behind the change back */
        size_t count = remote_count(&rig.remote);
        spill_rig_close(&rig, round % 2 == 0 ? SPILL_END_POWER : SPILL_END_KILL);
        assert_true(spill_rig_open(&rig));
        struct event_log_state about = spill_rig_state(&rig);
        assert_int_equal(about.spill.activities, 0);
        assert_string_equal(about.reason, "");
        assert_true(about.spill.bytes > 0); /* it is there */
        assert_int_equal(remote_count(&rig.remote), count);
    }
    finish();
}

/* At its end it moves what it can in its time; what is left is named, with the way to move it. */
static void leaves_what_it_cannot_move_and_says_so(void **state)
{
    (void)state;
    int ends[2];
    char text[8192];
    assert_int_equal(pipe(ends), 0);
    begin(&roomy);
    rig.logger = (struct logger){.clock = &clock_system,
                                 .descriptor = ends[1],
                                 .format = LOG_FORMAT_JSON,
                                 .level = LOG_WARNING};
    remote_set_away(&rig.remote, true);
    for (int i = 0; i < 7; i++) {
        assert_int_equal(spill_rig_append_and_wait(&rig, 0).status, STATUS_OK);
    }
    uint64_t left = spill_rig_state(&rig).spill.activities;
    char expected[64];
    snprintf(expected, sizeof expected, "\"activities\":%llu,", (unsigned long long)left);
    spill_rig_close(&rig, SPILL_END_CLEAN);
    read_lines(ends[0], text, sizeof text);
    assert_non_null(strstr(text, expected));
    assert_non_null(strstr(text, "\"command\":\"usertrail forward data\""));
    rig.options.drain_ms = 20000;
    assert_true(spill_rig_open(&rig));
    remote_set_away(&rig.remote, false);
    spill_rig_close(&rig, SPILL_END_CLEAN);
    (void)!write(ends[1], "-", 1);
    read_lines(ends[0], text, sizeof text);
    assert_null(strstr(text, "usertrail forward"));
    close(ends[0]);
    close(ends[1]);
    finish(); /* nothing was lost */
}

/* Several threads ------------------------------------------------------------------------- */

enum { THREADS = 4, APPENDS_PER_THREAD = 4000, TURNS = 200 };

struct client {
    unsigned number;
    uint64_t accepted;
};

static void *append_many(void *context)
{
    struct client *client = context;
    for (int i = 0; i < APPENDS_PER_THREAD; i++) {
        enum status status = spill_rig_append(&rig, client->number, 1 + (size_t)i % 2, NULL);
        client->accepted += status == STATUS_OK;
        if (i % 4 == 0 || status != STATUS_OK) {
            const struct timespec pause = {.tv_nsec = 100000};
            nanosleep(&pause, NULL);
        }
    }
    return NULL;
}

/* Clients on threads of their own while the log comes and goes: nothing is lost, and each thread's
 * order is kept through every change. */
static void threads_keep_their_order_while_it_comes_and_goes(void **state)
{
    (void)state;
    struct client clients[THREADS];
    pthread_t threads[THREADS];
    begin(&roomy);
    remote_set_stumbling(&rig.remote, true);
    for (unsigned i = 0; i < THREADS; i++) {
        clients[i] = (struct client){.number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, append_many, &clients[i]), 0);
    }
    for (unsigned i = 0; i < TURNS; i++) {
        remote_set_away(&rig.remote, i % 2 == 0);
        pause_ms(1 + (unsigned)random_below(&rig.random, 5));
    }
    remote_set_away(&rig.remote, false);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(clients[i].accepted > APPENDS_PER_THREAD / 10);
    }
    assert_true(spill_rig_wait_told(&rig));
    assert_true(spill_rig_wait_direct(&rig));
    finish();
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_on_this_disk_what_cannot_get_there),
        cmocka_unit_test(tells_where_what_was_moved_is),
        cmocka_unit_test(nothing_is_decided_before_its_fate_is_known),
        cmocka_unit_test(holds_no_more_than_it_may),
        cmocka_unit_test(a_full_spill_refuses_and_recovers),
        cmocka_unit_test(a_broken_spill_does_not_stand_in_the_way),
        cmocka_unit_test(tells_a_broken_spill_before_it_is_needed),
        cmocka_unit_test(starts_without_room_for_the_spill),
        cmocka_unit_test(what_the_log_never_takes_is_not_spilled),
        cmocka_unit_test(what_is_never_taken_is_set_aside),
        cmocka_unit_test(a_damaged_spill_does_not_stand_in_the_way),
        cmocka_unit_test(comes_back_while_appends_go_on),
        cmocka_unit_test(measures_how_fast_it_empties),
        cmocka_unit_test(moves_what_was_left_behind_first),
        cmocka_unit_test(what_waits_for_one_topic_goes_to_no_other_unasked),
        cmocka_unit_test(starts_without_room_for_the_mark),
        cmocka_unit_test(keeps_the_mark_of_what_waits_on_a_full_disk),
        cmocka_unit_test(a_crash_does_not_bring_up_again_what_was_moved),
        cmocka_unit_test(leaves_what_it_cannot_move_and_says_so),
        cmocka_unit_test(threads_keep_their_order_while_it_comes_and_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
