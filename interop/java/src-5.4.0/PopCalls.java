// POP's requests one by one, as the Java client's own transport sends them, each answered before the next.
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.AckCallback;
import org.apache.rocketmq.client.consumer.AckResult;
import org.apache.rocketmq.client.consumer.AckStatus;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PopCallback;
import org.apache.rocketmq.client.consumer.PopResult;
import org.apache.rocketmq.client.impl.MQClientAPIImpl;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.remoting.protocol.header.AckMessageRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.ChangeInvisibleTimeRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.ExtraInfoUtil;
import org.apache.rocketmq.remoting.protocol.header.PopMessageRequestHeader;
import org.apache.rocketmq.remoting.protocol.route.BrokerData;

final class PopCalls implements AutoCloseable {
    private static final long POLL_MS = 2_000;
    private static final long TIMEOUT_MS = 10_000;

    private final String topic;
    private final String group;
    private final DefaultMQPullConsumer client;
    private final MQClientAPIImpl api;
    private final String brokerName;
    private final String address;

    PopCalls(Env env, String topic, String group) throws Exception {
        this.topic = topic;
        this.group = group;
        client = new DefaultMQPullConsumer(group);
        client.setNamesrvAddr(env.namesrv);
        client.setInstanceName(env.instance());
        client.start();
        api = client.getDefaultMQPullConsumerImpl().getRebalanceImpl().getmQClientFactory().getMQClientAPIImpl();
        BrokerData broker = api.getTopicRouteInfoFromNameServer(topic, TIMEOUT_MS).getBrokerDatas().get(0);
        brokerName = broker.getBrokerName();
        address = broker.selectBrokerAddr();
    }

    List<MessageExt> pop(int count, long invisibleMs, boolean order, String attemptId, String tags) throws Exception {
        PopMessageRequestHeader header = new PopMessageRequestHeader();
        header.setConsumerGroup(group);
        header.setTopic(topic);
        header.setQueueId(-1);
        header.setMaxMsgNums(count);
        header.setInvisibleTime(invisibleMs);
        header.setPollTime(POLL_MS);
        header.setBornTime(System.currentTimeMillis());
        header.setInitMode(0);
        header.setExpType("TAG");
        header.setExp(tags);
        header.setOrder(order);
        if (attemptId != null) header.setAttemptId(attemptId);
        CompletableFuture<PopResult> done = new CompletableFuture<>();
        api.popMessageAsync(brokerName, address, header, TIMEOUT_MS, new PopCallback() {
            @Override
            public void onSuccess(PopResult result) {
                done.complete(result);
            }

            @Override
            public void onException(Throwable error) {
                done.completeExceptionally(error);
            }
        });
        List<MessageExt> found = done.get(TIMEOUT_MS, TimeUnit.MILLISECONDS).getMsgFoundList();
        return found == null ? new ArrayList<>() : found;
    }

    void ack(MessageExt message) throws Exception {
        String handle = message.getProperty("POP_CK");
        String[] words = ExtraInfoUtil.split(handle);
        AckMessageRequestHeader header = new AckMessageRequestHeader();
        header.setTopic(ExtraInfoUtil.getRealTopic(words, topic, group));
        header.setQueueId(ExtraInfoUtil.getQueueId(words));
        header.setOffset(ExtraInfoUtil.getQueueOffset(words));
        header.setConsumerGroup(group);
        header.setExtraInfo(handle);
        Waiting waiting = new Waiting();
        api.ackMessageAsync(address, TIMEOUT_MS, waiting, header);
        waiting.finish();
    }

    void batchAck(List<MessageExt> messages) throws Exception {
        List<String> handles = new ArrayList<>();
        for (MessageExt message : messages) handles.add(message.getProperty("POP_CK"));
        Waiting waiting = new Waiting();
        api.batchAckMessageAsync(address, TIMEOUT_MS, waiting, topic, group, handles);
        waiting.finish();
    }

    void changeInvisible(MessageExt message, long invisibleMs) throws Exception {
        String handle = message.getProperty("POP_CK");
        String[] words = ExtraInfoUtil.split(handle);
        ChangeInvisibleTimeRequestHeader header = new ChangeInvisibleTimeRequestHeader();
        header.setTopic(ExtraInfoUtil.getRealTopic(words, topic, group));
        header.setQueueId(ExtraInfoUtil.getQueueId(words));
        header.setOffset(ExtraInfoUtil.getQueueOffset(words));
        header.setConsumerGroup(group);
        header.setExtraInfo(handle);
        header.setInvisibleTime(invisibleMs);
        Waiting waiting = new Waiting();
        api.changeInvisibleTimeAsync(brokerName, address, header, TIMEOUT_MS, waiting);
        waiting.finish();
    }

    @Override
    public void close() {
        client.shutdown();
    }

    private static final class Waiting implements AckCallback {
        private final CompletableFuture<AckResult> done = new CompletableFuture<>();

        @Override
        public void onSuccess(AckResult result) {
            done.complete(result);
        }

        @Override
        public void onException(Throwable error) {
            done.completeExceptionally(error);
        }

        void finish() throws Exception {
            AckResult result = done.get(TIMEOUT_MS, TimeUnit.MILLISECONDS);
            Env.equal(AckStatus.OK, result.getStatus(), "the acknowledgement's status");
        }
    }
}
