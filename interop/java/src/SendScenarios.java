// Every plain way to send. Each checks what a producer can see of its result.
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;

final class SendScenarios {
    static void sendSync(Env env) throws Exception {
        DefaultMQProducer producer = env.producer("sync");
        try {
            Map<Integer, Long> next = new HashMap<>();
            Set<String> ids = new HashSet<>();
            for (int n = 0; n < 40; n++) {
                Message message = Env.message(env.topic("sync"), "TagA", "key" + n, "body " + n);
                message.putUserProperty("number", String.valueOf(n));
                message.putUserProperty("unicode", "h\u00e9llo \u4f60\u597d \ud83d\ude00");
                SendResult result = producer.send(message);
                Env.equal(SendStatus.SEND_OK, result.getSendStatus(), "status");
                Env.check(ids.add(result.getMsgId()), "message ids are unique");
                Env.check(result.getOffsetMsgId() != null, "offset id is there");
                Env.equal("DefaultRegion", result.getRegionId(), "region");
                int queue = result.getMessageQueue().getQueueId();
                Env.equal(next.getOrDefault(queue, 0L), result.getQueueOffset(), "queue offset");
                next.put(queue, result.getQueueOffset() + 1);
            }
            Env.equal(4, next.size(), "queues used");
        } finally {
            producer.shutdown();
        }
    }

    static void sendAsync(Env env) throws Exception {
        DefaultMQProducer producer = env.producer("async");
        try {
            int count = 500;
            producer.send(Env.message(env.topic("async"), "", "first", "creates the topic"));
            CountDownLatch done = new CountDownLatch(count);
            AtomicInteger ok = new AtomicInteger();
            List<Throwable> errors = new ArrayList<>();
            for (int n = 0; n < count; n++) {
                producer.send(Env.message(env.topic("async"), "TagB", "k" + n, "async " + n), new SendCallback() {
                    @Override public void onSuccess(SendResult result) {
                        if (result.getSendStatus() == SendStatus.SEND_OK) ok.incrementAndGet();
                        done.countDown();
                    }

                    @Override public void onException(Throwable error) {
                        synchronized (errors) { errors.add(error); }
                        done.countDown();
                    }
                });
            }
            Env.check(done.await(30, TimeUnit.SECONDS), "all callbacks came");
            Env.equal(count, ok.get(), "sent ok, errors " + errors);
        } finally {
            producer.shutdown();
        }
    }

    static void sendOneway(Env env) throws Exception {
        DefaultMQProducer producer = env.producer("oneway");
        try {
            producer.send(Env.message(env.topic("oneway"), "", "", "creates the topic"));
            for (int n = 0; n < 20; n++) producer.sendOneway(Env.message(env.topic("oneway"), "", "", "oneway " + n));
            Env.await("21 messages stored", 90_000, () -> total(producer, env.topic("oneway")) == 21);
        } finally {
            producer.shutdown();
        }
    }

    static void sendBatch(Env env) throws Exception {
        DefaultMQProducer producer = env.producer("batch");
        try {
            List<Message> batch = new ArrayList<>();
            for (int n = 0; n < 10; n++) batch.add(Env.message(env.topic("batch"), "TagC", "b" + n, "batch " + n));
            SendResult result = producer.send(batch);
            Env.equal(SendStatus.SEND_OK, result.getSendStatus(), "status");
            Env.equal(10, result.getMsgId().split(",").length, "message ids");
            Env.equal(10, result.getOffsetMsgId().split(",").length, "offset ids");
            Env.await("10 messages stored", 90_000, () -> total(producer, env.topic("batch")) == 10);
        } finally {
            producer.shutdown();
        }
    }

    static void sendLargeCompressed(Env env) throws Exception {
        DefaultMQProducer producer = env.producer("large");
        try {
            for (int size : new int[] {4095, 4096, 4097, 100_000, 3_900_000}) {
                byte[] body = new byte[size];
                for (int at = 0; at < size; at++) body[at] = (byte) (at % 61 + at / 977);
                SendResult result = producer.send(new Message(env.topic("large"), "TagL", "size" + size, body));
                Env.equal(SendStatus.SEND_OK, result.getSendStatus(), "status of " + size);
                byte[] stored = QueryScenarios.view(producer, result, env.topic("large")).getBody();
                Env.check(java.util.Arrays.equals(body, stored), "body of " + size + " comes back");
            }
        } finally {
            producer.shutdown();
        }
    }

    static void sendTooLarge(Env env) throws Exception {
        DefaultMQProducer producer = env.producer("toolarge");
        try {
            producer.setMaxMessageSize(8 * 1024 * 1024);
            producer.setCompressMsgBodyOverHowmuch(Integer.MAX_VALUE);
            producer.send(Env.message(env.topic("toolarge"), "", "", "creates the topic"));
            try {
                producer.send(new Message(env.topic("toolarge"), new byte[5 * 1024 * 1024]));
                throw new AssertionError("5 MiB were taken");
            } catch (MQBrokerException refused) {
                Env.equal(13, refused.getResponseCode(), "code");
            }
        } finally {
            producer.shutdown();
        }
    }

    static void sendSelector(Env env) throws Exception {
        DefaultMQProducer producer = env.producer("selector");
        try {
            for (int n = 0; n < 12; n++) {
                SendResult result = producer.send(
                    Env.message(env.topic("selector"), "", "", "n" + n),
                    (queues, message, argument) -> queues.get((Integer) argument % queues.size()), n);
                Env.equal(n % 4, result.getMessageQueue().getQueueId(), "queue");
            }
        } finally {
            producer.shutdown();
        }
    }

    static void sendDelayLevel(Env env) throws Exception {
        DefaultMQProducer producer = env.producer("delay");
        try {
            Message message = Env.message(env.topic("delay"), "TagD", "d1", "later");
            message.setDelayTimeLevel(2);
            Env.equal(SendStatus.SEND_OK, producer.send(message).getSendStatus(), "status");
        } finally {
            producer.shutdown();
        }
    }

    static void sendRefused(Env env) throws Exception {
        DefaultMQProducer producer = env.producer("refused");
        try {
            try {
                producer.send(Env.message("SCHEDULE_TOPIC_XXXX", "", "", "no"));
                throw new AssertionError("a system topic was written to");
            } catch (MQBrokerException | MQClientException expected) {
                Env.check(expected.getMessage() != null, "there is a text");
            }
        } finally {
            producer.shutdown();
        }
    }

    /** Messages in all queues of a topic, by their bounds on the broker. */
    static long total(DefaultMQProducer producer, String topic) {
        try {
            long sum = 0;
            for (MessageQueue queue : producer.fetchPublishMessageQueues(topic)) {
                sum += producer.maxOffset(queue) - producer.minOffset(queue);
            }
            return sum;
        } catch (MQClientException error) {
            throw new IllegalStateException(error);
        }
    }
}
