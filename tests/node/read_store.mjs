// Prints the documents of a collection, sorted by timestamp and _id: dates as ISO texts, ObjectIds as 24 digits.
import { printLine, readArguments } from './command.mjs';
import { load } from './packages.mjs';

const { MongoClient } = load('mongodb');

const options = readArguments({ uri: null, collection: 'activities', seconds: 30 });

const timeouts = { serverSelectionTimeoutMS: options.seconds * 1000, socketTimeoutMS: options.seconds * 1000 };
const client = await MongoClient.connect(options.uri, timeouts);
for await (const document of client.db().collection(options.collection).find().sort({ timestamp: 1, _id: 1 }))
  printLine(document);
await client.close();
