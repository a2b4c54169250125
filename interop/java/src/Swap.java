// Prints what a topic holds, a line each, then sends one message of each kind to another topic.
// Usage: Swap NAMESRV READ_TOPIC COUNT WRITE_TOPIC
import java.math.BigInteger;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

public final class Swap {
    public static void main(String[] args) throws Exception {
        read(args[0], args[1], Integer.parseInt(args[2]));
        write(args[0], args[3]);
        Runtime.getRuntime().halt(0);
    }

    private static void read(String namesrv, String topic, int wanted) throws Exception {
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer("G_swap");
        consumer.setNamesrvAddr(namesrv);
        consumer.start();
        int count = 0;
        for (MessageQueue queue : consumer.fetchSubscribeMessageQueues(topic)) {
            long end = consumer.maxOffset(queue);
            for (long offset = 0; offset < end;) {
                PullResult result = consumer.pull(queue, "*", offset, 32);
                Env.equal(PullStatus.FOUND, result.getPullStatus(), "status at " + offset);
                for (MessageExt message : result.getMsgFoundList()) {
                    System.out.println("READ " + line(message.getMsgId(), message));
                    count++;
                }
                offset = result.getNextBeginOffset();
            }
        }
        Env.equal(wanted, count, "messages in " + topic);
        consumer.shutdown();
    }

    private static void write(String namesrv, String topic) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer("G_swap");
        producer.setNamesrvAddr(namesrv);
        producer.setSendMsgTimeout(10_000);
        producer.start();
        byte[] large = new byte[100_000];
        for (int at = 0; at < large.length; at++) large[at] = (byte) (at % 61 + at / 977);
        Message full = Env.message(topic, "paid", "k1 k2", "héllo 你好 😀");
        full.putUserProperty("color", "blue €");
        full.setFlag(7);
        Message[] messages = {full, Env.message(topic, "", "", "plain"), new Message(topic, "large", "k3", large)};
        for (Message message : messages) {
            SendResult sent = producer.send(message);
            System.out.println("SENT " + line(sent.getMsgId(), message));
        }
        List<Message> batch = new ArrayList<>();
        for (int n = 0; n < 5; n++) batch.add(Env.message(topic, "batch", "b" + n, "batch " + n));
        String[] ids = producer.send(batch).getMsgId().split(",");
        for (int n = 0; n < 5; n++) System.out.println("SENT " + line(ids[n], batch.get(n)));
        producer.shutdown();
    }

    private static String line(String id, Message message) throws Exception {
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(message.getBody());
        return String.join("|", id, text(message.getTags()), text(message.getKeys()), text(message.getUserProperty("color")),
            String.valueOf(message.getFlag()), String.format("%064x", new BigInteger(1, digest)));
    }

    private static String text(String value) {
        return value == null ? "" : value;
    }
}
