// A member of an orderly group: the twin of interop/client/orderly_member.ts, with the same lines in the same file.
// Usage: OrderlyMember NAMESRV GROUP TOPIC FILE
import java.io.FileOutputStream;
import java.nio.charset.StandardCharsets;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;

public final class OrderlyMember {
    public static void main(String[] args) throws Exception {
        System.setProperty("rocketmq.client.rebalance.waitInterval", "1000");
        FileOutputStream file = new FileOutputStream(args[3], true);
        long pid = ProcessHandle.current().pid();
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(args[1]);
        consumer.setNamesrvAddr(args[0]);
        consumer.setInstanceName("m" + pid);
        consumer.setPollNameServerInterval(1000);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(args[2], "*");
        consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
            for (MessageExt message : messages) {
                String body = new String(message.getBody(), StandardCharsets.UTF_8);
                if (body.equals("first")) continue;
                String line = pid + " " + message.getQueueId() + " " + body + "\n";
                try {
                    file.write(("begin " + line).getBytes(StandardCharsets.UTF_8));
                    Thread.sleep(5);
                    file.write(("end " + line).getBytes(StandardCharsets.UTF_8));
                } catch (Exception error) {
                    return ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT;
                }
            }
            return ConsumeOrderlyStatus.SUCCESS;
        });
        consumer.start();
        System.out.println("ready");
        Runtime.getRuntime().addShutdownHook(new Thread(consumer::shutdown));
        Thread.currentThread().join();
    }
}
