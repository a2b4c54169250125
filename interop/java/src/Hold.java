// Keeps a producer and a consumer connected until the process is ended, so that admin commands find them.
// Usage: Hold NAMESRV TOPIC COUNT     sends COUNT messages, consumes them, prints HOLDING
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.store.ReadOffsetType;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;

public final class Hold {
    public static void main(String[] args) throws Exception {
        int count = Integer.parseInt(args[2]);
        DefaultMQProducer producer = new DefaultMQProducer("G_hold_producer");
        producer.setNamesrvAddr(args[0]);
        producer.setInstanceName("hold-producer");
        producer.start();
        SendResult first = null;
        for (int n = 0; n < count; n++) {
            Message message = new Message(args[1], "TagHold", "hold-" + n, ("hold " + n).getBytes("UTF-8"));
            SendResult result = producer.send(message, (queues, m, argument) -> queues.get((Integer) argument % queues.size()), n);
            if (first == null) first = result;
        }
        AtomicInteger seen = new AtomicInteger();
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer("G_hold_consumer");
        consumer.setNamesrvAddr(args[0]);
        consumer.setInstanceName("hold-consumer");
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(args[1], "TagHold");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            seen.addAndGet(messages.size());
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        while (seen.get() < count || committed(consumer, args[1]) < count) Thread.sleep(50);
        System.out.println("HOLDING {\"msgId\":\"" + first.getMsgId() + "\",\"offsetMsgId\":\"" + first.getOffsetMsgId() + "\"}");
        System.out.flush();
        Thread.sleep(Long.MAX_VALUE);
    }

    /** Messages of the topic that the broker knows as consumed, after telling it once more. */
    private static long committed(DefaultMQPushConsumer consumer, String topic) throws Exception {
        consumer.getDefaultMQPushConsumerImpl().persistConsumerOffset();
        long sum = 0;
        for (MessageQueue queue : consumer.fetchSubscribeMessageQueues(topic)) {
            sum += Math.max(0, consumer.getOffsetStore().readOffset(queue, ReadOffsetType.READ_FROM_STORE));
        }
        return sum;
    }
}
