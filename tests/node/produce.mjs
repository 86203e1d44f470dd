// Sends activities to a topic as a program would that knows nothing of usertrail: JSON without an id of ours, keyed by
// userId, here and there with an id or a timestamp of its own. Prints each message once all are acknowledged.
import { printLine, readArguments } from './command.mjs';
import { load } from './packages.mjs';

const { Kafka, Partitioners, logLevel } = load('kafkajs');
const MESSAGES_PER_REQUEST = 1000;

const options = readArguments({
  broker: null,
  topic: null,
  count: 10,
  users: 3,
  prefix: 'foreign', // of ids
  'ids-every': 3, // one of so many has an id; 0: none
  'timestamps-every': 2,
  poison: 0, // so many messages that are no activities, after the others
  transaction: '', // each request in one that ends so, 'commit' or 'abort'; '': none
  traceparent: '', // of each message; '': they have none
  partitions: 0, // makes the topic with so many, unless it is there; 0: it must be there
});

const POISON = [
  'no JSON',
  '{"action":"NO_USER"}',
  '[]',
  '{"userId":"poison","action":"CUT',
  '',
  null, // a tombstone
  Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), // not UTF-8
];

function isChosen(number, every) {
  return every > 0 && number % every === 0;
}

function makeActivity(number, begin) {
  return {
    ...(isChosen(number, options['ids-every']) && { id: `${options.prefix}-${number}` }),
    userId: `user-${number % options.users}`,
    action: 'FOREIGN_LOOK',
    ...(isChosen(number, options['timestamps-every']) && { timestamp: new Date(begin + number * 1000).toISOString() }),
    metadata: { number },
  };
}

function makeMessages() {
  const begin = Date.now() - options.count * 1000;
  const messages = [];
  for (let number = 0; number < options.count; number++) {
    const activity = makeActivity(number, begin);
    messages.push({
      key: activity.userId,
      value: JSON.stringify(activity),
      ...(options.traceparent !== '' && { headers: { traceparent: options.traceparent } }),
    });
  }
  for (let number = 0; number < options.poison; number++)
    messages.push({ key: `poison-${number}`, value: POISON[number % POISON.length] });
  return messages;
}

async function makeTopic(kafka) {
  const admin = kafka.admin();
  await admin.connect();
  // Answers false, and changes nothing, where the topic is there.
  await admin.createTopics({
    topics: [{ topic: options.topic, numPartitions: options.partitions, replicationFactor: 1 }],
  });
  await admin.disconnect();
}

async function sendRequest(producer, messages) {
  const request = { topic: options.topic, acks: -1, messages };
  if (options.transaction === '') return producer.send(request);
  const transaction = await producer.transaction();
  await transaction.send(request);
  return options.transaction === 'commit' ? transaction.commit() : transaction.abort();
}

async function send(kafka, messages) {
  const producer = kafka.producer({
    // By murmur2 of the key, as the Java client does.
    createPartitioner: Partitioners.DefaultPartitioner,
    ...(options.transaction !== '' && {
      transactionalId: `${options.topic}-foreign`,
      idempotent: true,
      maxInFlightRequests: 1,
    }),
  });
  await producer.connect();
  for (let first = 0; first < messages.length; first += MESSAGES_PER_REQUEST)
    await sendRequest(producer, messages.slice(first, first + MESSAGES_PER_REQUEST));
  await producer.disconnect();
}

const kafka = new Kafka({ clientId: 'foreign', brokers: options.broker.split(','), logLevel: logLevel.ERROR });
if (options.partitions > 0) await makeTopic(kafka);
const messages = makeMessages();
await send(kafka, messages);
messages.forEach(({ key, value }, number) => {
  const text = Buffer.isBuffer(value) ? { base64: value.toString('base64') } : value;
  printLine({ key, value: text, poison: number >= options.count });
});
