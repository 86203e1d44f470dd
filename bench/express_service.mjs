// The service that teams write first: Express and kafkajs, one message sent and acknowledged for each request. Compared with
// usertrail by requests for each second of CPU. Prints "listening PORT" and serves until SIGTERM.
import { readArguments } from '../tests/node/command.mjs';
import { load } from '../tests/node/packages.mjs';

const express = load('express');
const { Kafka, Partitioners, logLevel } = load('kafkajs');

const options = readArguments({ broker: null, topic: null, port: 0 });

const kafka = new Kafka({ clientId: 'express', brokers: options.broker.split(','), logLevel: logLevel.ERROR });
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
await producer.connect();

const app = express();
app.use(express.json());
app.post('/api/logs', async (request, response) => {
  const { userId, action, timestamp, metadata } = request.body ?? {};
  if (typeof userId !== 'string' || userId === '' || typeof action !== 'string' || action === '') {
    response.status(400).json({ status: 'error', message: 'userId and action are required' });
    return;
  }
  const activity = { userId, action, timestamp: timestamp ?? new Date().toISOString(), metadata: metadata ?? {} };
  await producer.send({ topic: options.topic, acks: -1, messages: [{ key: userId, value: JSON.stringify(activity) }] });
  response.status(202).json({ status: 'success', message: 'Log queued successfully' });
});

const server = app.listen(options.port, '127.0.0.1', () => console.log(`listening ${server.address().port}`));
process.on('SIGTERM', async () => {
  await producer.disconnect();
  process.exit(0);
});
