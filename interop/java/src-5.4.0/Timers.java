// The Java client's timed messages: sent with each of the three ways to say when, taken back by their handles, received.
// Usage: Timers NAMESRV STEP…
//   send:TOPIC:COUNT:FIRST_MS:STEP_MS:FILE   COUNT messages due from FIRST_MS on; a line each: body, handle
//   recall:TOPIC:EVERY:FILE                  takes back each EVERYth of those in the file
//   receive:TOPIC:COUNT:FILE                 until COUNT came, and a while longer; a line each: body, when it was stored
//                                            less TIMER_OUT_MS, roll times
//   refused:TOPIC                            sends that the broker refuses
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

public final class Timers {
    private static final long RECEIVE_MS_MAX = 60_000;
    private static final long LINGER_MS = 2_500;

    public static void main(String[] args) throws Exception {
        try {
            for (int at = 1; at < args.length; at++) step(args[0], args[at].split(":"));
            Runtime.getRuntime().halt(0);
        } catch (Throwable error) {
            // The client's threads would keep the process open.
            error.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
    }

    private static void step(String namesrv, String[] step) throws Exception {
        String topic = step[1];
        switch (step[0]) {
            case "send":
                send(namesrv, topic, Integer.parseInt(step[2]), Long.parseLong(step[3]), Long.parseLong(step[4]),
                    Paths.get(step[5]));
                return;
            case "recall":
                recall(namesrv, topic, Integer.parseInt(step[2]), Paths.get(step[3]));
                return;
            case "receive":
                receive(namesrv, topic, Integer.parseInt(step[2]), Paths.get(step[3]));
                return;
            case "refused":
                refused(namesrv, topic);
                return;
            default:
                throw new IllegalArgumentException(step[0]);
        }
    }

    private static DefaultMQProducer producer(String namesrv) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer("PID_interop_timers");
        producer.setNamesrvAddr(namesrv);
        producer.setSendMsgTimeout(10_000);
        producer.setMqClientApiTimeout(15_000);
        producer.start();
        return producer;
    }

    private static void send(String namesrv, String topic, int count, long firstMs, long stepMs, Path file)
        throws Exception {
        DefaultMQProducer producer = producer(namesrv);
        List<String> lines = new ArrayList<>();
        for (int n = 0; n < count; n++) {
            String body = topic + "-" + n;
            Message message = new Message(topic, "tag" + n % 3, "key" + n, body.getBytes("UTF-8"));
            long delayMs = firstMs + n * stepMs;
            if (n % 3 == 0) message.setDeliverTimeMs(System.currentTimeMillis() + delayMs);
            else if (n % 3 == 1) message.setDelayTimeMs(delayMs);
            else message.setDelayTimeSec(delayMs / 1000);
            SendResult result = producer.send(message);
            if (result.getSendStatus() != SendStatus.SEND_OK) throw new Exception("sent: " + result);
            if (result.getRecallHandle() == null) throw new Exception("no handle: " + result);
            lines.add(body + " " + result.getRecallHandle() + " " + result.getMsgId());
        }
        Files.write(file, lines);
        producer.shutdown();
    }

    private static void recall(String namesrv, String topic, int every, Path file) throws Exception {
        DefaultMQProducer producer = producer(namesrv);
        List<String> lines = Files.readAllLines(file);
        for (int n = 0; n < lines.size(); n += every) {
            String[] parts = lines.get(n).split(" ");
            String recalled = producer.recallMessage(topic, parts[1]);
            if (!parts[2].equals(recalled)) throw new Exception(parts[2] + " recalled as " + recalled);
        }
        producer.shutdown();
    }

    private static void receive(String namesrv, String topic, int count, Path file) throws Exception {
        List<String> lines = new CopyOnWriteArrayList<>();
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer("GID_" + topic + "_" + System.nanoTime());
        consumer.setNamesrvAddr(namesrv);
        consumer.setMqClientApiTimeout(15_000);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) lines.add(line(message));
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        long untilMs = System.currentTimeMillis() + RECEIVE_MS_MAX;
        while (lines.size() < count && System.currentTimeMillis() < untilMs) Thread.sleep(50);
        Thread.sleep(LINGER_MS);
        consumer.shutdown();
        Files.write(file, lines);
    }

    private static String line(MessageExt message) {
        long outMs = Long.parseLong(message.getProperty("TIMER_OUT_MS"));
        String rolls = message.getProperty("TIMER_ROLL_TIMES");
        return new String(message.getBody()) + " " + (message.getStoreTimestamp() - outMs) + " "
            + (rolls == null ? "0" : rolls);
    }

    private static void refused(String namesrv, String topic) throws Exception {
        DefaultMQProducer producer = producer(namesrv);
        Message late = new Message(topic, "late".getBytes("UTF-8"));
        late.setDelayTimeSec(259_201);
        try {
            producer.send(late);
            throw new Exception("a delay beyond the longest was taken");
        } catch (MQBrokerException refusal) {
            if (refusal.getResponseCode() != 13) throw refusal;
            if (!refusal.getErrorMessage().startsWith("timer message illegal, the delay time should not be bigger than "
                + "the max delay 259200000ms")) throw refusal;
        }
        try {
            producer.recallMessage(topic, "nothing");
            throw new Exception("a handle that is none was taken");
        } catch (Exception refusal) {
            if (!String.valueOf(refusal.getMessage()).contains("recall handle is invalid")) throw refusal;
        }
        producer.shutdown();
    }
}
