// Java's side of request-reply.
// Usage: RequestReply reply NAMESRV TOPIC   replies "re:" + body to each request until it is killed; prints READY
//        RequestReply ask NAMESRV TOPIC     asks in every way that there is and prints one line "way|reply|properties" each
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.exception.RequestTimeoutException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.RequestCallback;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

public final class RequestReply {
    private static final long TIMEOUT_MS = 30_000;

    public static void main(String[] args) throws Exception {
        try {
            if (args[0].equals("reply")) reply(args[1], args[2]);
            else ask(args[1], args[2]);
        } catch (Throwable error) {
            // The client's own threads would keep the process.
            error.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
    }

    private static DefaultMQProducer producer(String namesrv, String group) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer(group);
        producer.setNamesrvAddr(namesrv);
        producer.setInstanceName(group + ProcessHandle.current().pid());
        producer.setSendMsgTimeout(10_000);
        producer.start();
        return producer;
    }

    private static void reply(String namesrv, String topic) throws Exception {
        DefaultMQProducer producer = producer(namesrv, "G_java_replier");
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer("G_java_consumer");
        consumer.setNamesrvAddr(namesrv);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) {
                try {
                    String body = new String(message.getBody(), StandardCharsets.UTF_8);
                    Message reply = MessageUtil.createReplyMessage(message, ("re:" + body).getBytes(StandardCharsets.UTF_8));
                    reply.putUserProperty("from", "java");
                    producer.send(reply, 10_000);
                } catch (Exception error) {
                    System.out.println("FAILED " + error);
                }
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        System.out.println("READY");
        Thread.sleep(Long.MAX_VALUE);
    }

    private static void ask(String namesrv, String topic) throws Exception {
        DefaultMQProducer producer = producer(namesrv, "G_java_asker");
        print("sync", producer.request(message(topic, "sync"), TIMEOUT_MS));
        List<MessageQueue> queues = producer.fetchPublishMessageQueues(topic);
        print("queue", producer.request(message(topic, "queue"), queues.get(0), TIMEOUT_MS));
        print("selector", producer.request(message(topic, "selector"), (all, message, arg) -> all.get((Integer) arg % all.size()), 1, TIMEOUT_MS));
        CompletableFuture<Message> later = new CompletableFuture<>();
        producer.request(message(topic, "async"), new RequestCallback() {
            @Override public void onSuccess(Message reply) {
                // The client calls it with null too, when the request is stored.
                if (reply != null) later.complete(reply);
            }

            @Override public void onException(Throwable error) {
                later.completeExceptionally(error);
            }
        }, TIMEOUT_MS);
        print("async", later.get(TIMEOUT_MS, TimeUnit.MILLISECONDS));
        String large = String.join("", Collections.nCopies(2_000, "large "));
        Message reply = producer.request(message(topic, large), TIMEOUT_MS);
        System.out.println("large|" + new String(reply.getBody(), StandardCharsets.UTF_8).equals("re:" + large));
        try {
            producer.request(message(topic + "_silent", "nobody"), 1_000);
            System.out.println("silent|answered");
        } catch (RequestTimeoutException expected) {
            System.out.println("silent|timeout");
        }
        producer.shutdown();
        Runtime.getRuntime().halt(0);
    }

    private static Message message(String topic, String body) {
        return new Message(topic, body.getBytes(StandardCharsets.UTF_8));
    }

    private static void print(String way, Message reply) {
        System.out.println(way + "|" + new String(reply.getBody(), StandardCharsets.UTF_8) + "|" + reply.getUserProperty("from")
            + "|" + String.join(" ", new TreeSet<>(reply.getProperties().keySet())));
    }
}
