import de.bwaldvogel.mongo.MongoBackend;
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.ServerVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;

/**
 * Store PORT memory|h2 FILE [KEY CERTIFICATE]: serves MongoDB's protocol at that port of the loopback until a signal ends it,
 * with an RSA key and its certificate, both in PEM, by TLS. The main classes of the library serve one fixed port only.
 */
public final class Store {
    public static void main(String[] arguments) throws Exception {
        int port = Integer.parseInt(arguments[0]);
        MongoBackend backend = arguments[1].equals("h2") ? new H2Backend(arguments[2]) : new MemoryBackend();
        backend.version(ServerVersion.MONGO_5_0);
        MongoServer server = new MongoServer(backend);
        if (arguments.length > 3) {
            server.enableSsl(readKey(Path.of(arguments[3])), null, readCertificate(Path.of(arguments[4])));
        }
        // Closing the backend is what writes the H2 file to its end.
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
        server.bind("127.0.0.1", port);
    }

    private static PrivateKey readKey(Path path) throws Exception {
        String text = Files.readString(path).replaceAll("-----[A-Z ]+-----", "");
        byte[] key = Base64.getMimeDecoder().decode(text);
        return KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(key));
    }

    private static X509Certificate readCertificate(Path path) throws Exception {
        try (InputStream stream = Files.newInputStream(path)) {
            return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(stream);
        }
    }
}
