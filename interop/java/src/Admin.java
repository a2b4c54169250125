// Runs mqadmin commands one after the other in one JVM, since each JVM's start takes a second.
// Usage: Admin FILE     one command a line, its words separated by tabs; prints "@@ n" before each one's output.
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.List;
import org.apache.rocketmq.tools.command.MQAdminStartup;

public final class Admin {
    public static void main(String[] args) throws Exception {
        List<String> lines = Files.readAllLines(Paths.get(args[0]), StandardCharsets.UTF_8);
        for (int n = 0; n < lines.size(); n++) {
            System.out.println("@@ " + n);
            System.out.flush();
            try {
                MQAdminStartup.main0(lines.get(n).split("\t"), null);
            } catch (Throwable error) {
                System.out.println("THROWN " + error);
            }
            System.out.flush();
        }
        System.out.println("@@ end");
        System.out.flush();
        Runtime.getRuntime().halt(0);
    }
}
