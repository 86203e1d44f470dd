// Inserts activities as the consumer of an earlier service has left them: by Mongoose, with an ObjectId and its "__v",
// without receivedAt and without where they came from. Prints the documents.
import { printLine, readArguments } from './command.mjs';
import { load } from './packages.mjs';

const mongoose = load('mongoose');

const options = readArguments({ uri: null, collection: 'activities', count: 10, users: 3, seconds: 30 });

const schema = new mongoose.Schema({
  userId: { type: String, required: true },
  action: { type: String, required: true },
  timestamp: { type: Date, default: Date.now },
  metadata: { type: Object, default: {} },
}, { collection: options.collection });

function makeActivity(number, begin) {
  return {
    userId: `user-${number % options.users}`,
    action: 'EARLIER_LOOK',
    timestamp: new Date(begin + number * 1000),
    metadata: { number, path: `/products/${number}`, nested: { seen: number % 2 === 0 } },
  };
}

const timeouts = { serverSelectionTimeoutMS: options.seconds * 1000, socketTimeoutMS: options.seconds * 1000 };
const begin = Date.now() - options.count * 1000;
await mongoose.connect(options.uri, timeouts);
const Activity = mongoose.model('Activity', schema);
await Activity.init(); // the collection is being made; the stand-in for MongoDB fails where an insert makes it, too
const written = await Activity.insertMany(Array.from({ length: options.count }, (_, number) => makeActivity(number, begin)));
written.forEach(document => printLine(document.toObject()));
await mongoose.disconnect();
