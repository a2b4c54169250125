// Looking stored messages up: by offset id, unique key, key and time, and the offsets of queues.
import java.util.List;
import org.apache.rocketmq.client.QueryResult;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

final class QueryScenarios {
    /** The stored message behind a result, by its offset id. */
    static MessageExt view(DefaultMQProducer producer, SendResult sent, String topic) throws Exception {
        return producer.viewMessage(topic, sent.getOffsetMsgId());
    }

    static void queryMessages(Env env) throws Exception {
        DefaultMQProducer producer = env.producer("query");
        String topic = env.topic("query");
        try {
            long beginMs = System.currentTimeMillis() - 1000;
            SendResult sent = null;
            for (int n = 0; n < 20; n++) sent = producer.send(Env.message(topic, "Q", "order-" + n + " shared", "query " + n));
            MessageExt byOffsetId = view(producer, sent, topic);
            Env.equal("query 19", new String(byOffsetId.getBody(), "UTF-8"), "body by offset id");
            Env.equal(sent.getMsgId(), byOffsetId.getMsgId(), "unique id");
            final SendResult last = sent;
            // Apache's broker makes queues and index a moment after it has answered.
            Env.await("index knows the last key", 90_000, () -> count(producer, topic, "order-19", beginMs) == 1);
            MessageExt byUniqueKey = producer.viewMessage(topic, sent.getMsgId());
            Env.equal("query 19", new String(byUniqueKey.getBody(), "UTF-8"), "body by unique key");
            QueryResult result = producer.queryMessage(topic, "order-7", 32, beginMs, System.currentTimeMillis() + 1000);
            Env.equal(1, result.getMessageList().size(), "messages with key order-7");
            Env.equal("query 7", new String(result.getMessageList().get(0).getBody(), "UTF-8"), "its body");
            Env.equal(20, count(producer, topic, "shared", beginMs), "messages with the shared key");
            Env.equal(0, count(producer, topic, "absent", beginMs), "messages with an absent key");
            Env.check(last.getQueueOffset() >= 0, "offset");
        } finally {
            producer.shutdown();
        }
    }

    private static int count(DefaultMQProducer producer, String topic, String key, long beginMs) {
        try {
            List<MessageExt> found = producer.queryMessage(topic, key, 64, beginMs, System.currentTimeMillis() + 1000).getMessageList();
            return found.size();
        } catch (MQClientException none) {
            return 0;
        } catch (InterruptedException error) {
            throw new IllegalStateException(error);
        }
    }

    static void queryOffsets(Env env) throws Exception {
        DefaultMQProducer producer = env.producer("offsets");
        String topic = env.topic("offsets");
        try {
            long beforeMs = System.currentTimeMillis() - 1;
            for (int n = 0; n < 16; n++) producer.send(Env.message(topic, "", "", "offsets " + n));
            Thread.sleep(20);
            long afterMs = System.currentTimeMillis();
            long total = 0;
            for (MessageQueue queue : producer.fetchPublishMessageQueues(topic)) {
                long max = producer.maxOffset(queue);
                total += max;
                Env.equal(0L, producer.minOffset(queue), "min");
                Env.equal(0L, producer.searchOffset(queue, beforeMs), "offset at the beginning");
                Env.equal(max, producer.searchOffset(queue, afterMs + 60_000), "offset past the end");
                Env.check(producer.earliestMsgStoreTime(queue) >= beforeMs, "earliest store time");
            }
            // A client may begin its round over the queues anew when it learns of the topic's own route.
            Env.equal(16L, total, "messages in all queues");
        } finally {
            producer.shutdown();
        }
    }
}
