// Prints a topic's messages, from the beginning up to the ends that its partitions have now. With --group it is a member of that
// group, which then knows how far it came; otherwise it leaves no group behind.
// Text that is not UTF-8 is printed as {"base64"}.
import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { printLine, readArguments } from './command.mjs';
import { load } from './packages.mjs';

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = load('kafkajs');
const lz4 = load('lz4js');

const options = readArguments({ broker: null, topic: null, group: '', seconds: 30 });

// Of itself, kafkajs reads gzip only.
CompressionCodecs[CompressionTypes.LZ4] = () => ({ decompress: async bytes => Buffer.from(lz4.decompress(bytes)) });

function textOf(bytes) {
  if (bytes === null || bytes === undefined) return null;
  return isUtf8(bytes) ? bytes.toString() : { base64: bytes.toString('base64') };
}

function printMessage(partition, { offset, timestamp, key, value, headers }) {
  printLine({
    partition,
    offset: Number(offset),
    timestamp: Number(timestamp),
    key: textOf(key),
    value: textOf(value),
    headers: Object.fromEntries(Object.entries(headers ?? {}).map(([name, bytes]) => [name, textOf(bytes)])),
  });
}

// Partition -> the offset behind its last message, of those that have messages.
async function readEnds(admin) {
  const partitions = await admin.fetchTopicOffsets(options.topic);
  return new Map(partitions.filter(({ low, high }) => BigInt(high) > BigInt(low))
    .map(({ partition, high }) => [partition, BigInt(high)]));
}

async function readUpTo(consumer, ends) {
  const left = new Map(ends);
  await consumer.connect();
  await consumer.subscribe({ topics: [options.topic], fromBeginning: true });
  await new Promise((resolve, reject) => {
    // A broker that still makes its topic of offsets sends members away for a moment, after which kafkajs tries again.
    consumer.on(consumer.events.CRASH, ({ payload }) => payload.restart || reject(payload.error));
    consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        const end = ends.get(batch.partition);
        if (end === undefined) return;
        batch.messages.filter(({ offset }) => BigInt(offset) < end)
          .forEach(message => printMessage(batch.partition, message));
        if (BigInt(batch.lastOffset()) >= end - 1n) left.delete(batch.partition);
        if (left.size === 0) resolve();
      },
    }).catch(reject);
  });
}

const kafka = new Kafka({ clientId: 'reader', brokers: options.broker.split(','), logLevel: logLevel.NOTHING });
const groupId = options.group || `reader-${randomUUID()}`;
const admin = kafka.admin();
const deadline = setTimeout(() => {
  console.error(`${options.topic} could not be read to its end within ${options.seconds} s`);
  process.exit(1);
}, options.seconds * 1000);

await admin.connect();
const ends = await readEnds(admin);
if (ends.size > 0) {
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 });
  await readUpTo(consumer, ends);
  if (options.group) {
    await consumer.commitOffsets([...ends].map(([partition, end]) => ({ topic: options.topic, partition, offset: String(end) })));
  }
  await consumer.disconnect();
  if (!options.group) await admin.deleteGroups([groupId]);
}
await admin.disconnect();
clearTimeout(deadline);
