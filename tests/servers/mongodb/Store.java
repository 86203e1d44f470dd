import de.bwaldvogel.mongo.MongoBackend;
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.ServerVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;

/**
 * Store PORT memory, or Store PORT h2 FILE: serves MongoDB's protocol at that port of the loopback until a signal ends it.
 * The main classes of the library serve one fixed port only.
 */
public final class Store {
    public static void main(String[] arguments) {
        int port = Integer.parseInt(arguments[0]);
        MongoBackend backend = arguments[1].equals("h2") ? new H2Backend(arguments[2]) : new MemoryBackend();
        backend.version(ServerVersion.MONGO_5_0);
        MongoServer server = new MongoServer(backend);
        // Closing the backend is what writes the H2 file to its end.
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
        server.bind("127.0.0.1", port);
    }
}
