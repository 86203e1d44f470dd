import java.nio.charset.StandardCharsets;
import java.util.Scanner;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;

/** KeyPartitions COUNT: for each key on standard input, the one of COUNT partitions to which Kafka's own Java client sends it. */
public final class KeyPartitions {
    public static void main(String[] arguments) {
        int count = Integer.parseInt(arguments[0]);
        Scanner keys = new Scanner(System.in, StandardCharsets.UTF_8);
        while (keys.hasNextLine()) {
            System.out.println(BuiltInPartitioner.partitionForKey(keys.nextLine().getBytes(StandardCharsets.UTF_8), count));
        }
    }
}
