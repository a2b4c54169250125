// Sends and consumes with the Go client and prints one RESULT line of JSON for each scenario.
// Usage: driver NAMESRV RUN_ID
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

const messageCount = 50

func main() {
	rlog.SetLogLevel("error")
	namesrv, runID := os.Args[1], os.Args[2]
	failed := false
	for _, scenario := range []struct {
		name string
		run  func(namesrv, runID string) error
	}{
		{"goSendSync", sendSync},
		{"goSendBatch", sendBatch},
		{"goSendAsyncAndOneway", sendAsyncAndOneway},
		{"goConsume", consume},
		{"goConsumeRetry", consumeRetry},
		{"goBroadcast", broadcast},
		{"goOrderly", orderly},
		{"goMembers", members},
		{"goDelayed", delayed},
		{"goSql", bySQL},
		{"goAdmin", administer},
		{"goNamespace", inNamespace},
		{"goPull", pull},
		{"goTransactions", transactions},
	} {
		startedAt := time.Now()
		err := scenario.run(namesrv, runID)
		problem, ok := any(nil), err == nil
		if err != nil {
			problem, failed = err.Error(), true
		}
		line, _ := json.Marshal(map[string]any{
			"scenario": scenario.name, "ok": ok, "problem": problem,
			"elapsedMs": time.Since(startedAt).Milliseconds(),
		})
		fmt.Printf("RESULT %s\n", line)
	}
	if failed {
		os.Exit(1)
	}
}

func newProducer(namesrv, name string, options ...producer.Option) (rocketmq.Producer, error) {
	made, err := rocketmq.NewProducer(append([]producer.Option{
		producer.WithNsResolver(primitive.NewPassthroughResolver([]string{namesrv})),
		producer.WithGroupName(name),
		producer.WithInstanceName(name),
		producer.WithRetry(2),
	}, options...)...)
	if err != nil {
		return nil, err
	}
	return made, made.Start()
}

func sendSync(namesrv, runID string) error {
	p, err := newProducer(namesrv, "go_sync_"+runID)
	if err != nil {
		return err
	}
	defer p.Shutdown()
	for n := 0; n < messageCount; n++ {
		message := primitive.NewMessage("GoSync_"+runID, []byte(fmt.Sprintf("go %d", n)))
		message.WithTag("TagGo").WithKeys([]string{fmt.Sprintf("go-%d", n)}).WithProperty("unicode", "héllo 你好")
		result, err := p.SendSync(context.Background(), message)
		if err != nil {
			return err
		}
		if result.Status != primitive.SendOK || result.MsgID == "" {
			return fmt.Errorf("send %d: %s", n, result)
		}
	}
	return nil
}

func sendBatch(namesrv, runID string) error {
	p, err := newProducer(namesrv, "go_batch_"+runID)
	if err != nil {
		return err
	}
	defer p.Shutdown()
	var batch []*primitive.Message
	for n := 0; n < 10; n++ {
		batch = append(batch, primitive.NewMessage("GoBatch_"+runID, []byte(fmt.Sprintf("batch %d", n))))
	}
	result, err := p.SendSync(context.Background(), batch...)
	if err != nil {
		return err
	}
	if result.Status != primitive.SendOK {
		return fmt.Errorf("batch: %s", result)
	}
	return nil
}

func sendAsyncAndOneway(namesrv, runID string) error {
	p, err := newProducer(namesrv, "go_async_"+runID)
	if err != nil {
		return err
	}
	defer p.Shutdown()
	topic := "GoAsync_" + runID
	if _, err := p.SendSync(context.Background(), primitive.NewMessage(topic, []byte("creates the topic"))); err != nil {
		return err
	}
	var pending sync.WaitGroup
	var problem error
	for n := 0; n < messageCount; n++ {
		pending.Add(1)
		err := p.SendAsync(context.Background(), func(_ context.Context, result *primitive.SendResult, err error) {
			if err != nil {
				problem = err
			}
			pending.Done()
		}, primitive.NewMessage(topic, []byte("async")))
		if err != nil {
			return err
		}
	}
	pending.Wait()
	if problem != nil {
		return problem
	}
	return p.SendOneWay(context.Background(), primitive.NewMessage(topic, []byte("oneway")))
}

func newConsumer(namesrv, name string) (rocketmq.PushConsumer, error) {
	return rocketmq.NewPushConsumer(
		consumer.WithNsResolver(primitive.NewPassthroughResolver([]string{namesrv})),
		consumer.WithGroupName(name),
		consumer.WithInstance(name),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
	)
}

func consume(namesrv, runID string) error {
	topic := "GoConsume_" + runID
	p, err := newProducer(namesrv, "go_consume_p_"+runID)
	if err != nil {
		return err
	}
	defer p.Shutdown()
	for n := 0; n < messageCount; n++ {
		message := primitive.NewMessage(topic, []byte(fmt.Sprintf("go %d", n))).WithTag([]string{"Even", "Odd"}[n%2])
		if _, err := p.SendSync(context.Background(), message); err != nil {
			return err
		}
	}
	return collect(namesrv, "go_consume_"+runID, topic, "Even", messageCount/2, func(*primitive.MessageExt) bool { return true })
}

func consumeRetry(namesrv, runID string) error {
	topic := "GoRetry_" + runID
	p, err := newProducer(namesrv, "go_retry_p_"+runID)
	if err != nil {
		return err
	}
	defer p.Shutdown()
	if _, err := p.SendSync(context.Background(), primitive.NewMessage(topic, []byte("again"))); err != nil {
		return err
	}
	return collect(namesrv, "go_retry_"+runID, topic, "*", 1, func(message *primitive.MessageExt) bool {
		return message.ReconsumeTimes > 0
	})
}

// collect consumes until `wanted` different bodies were accepted; what isn't accepted is to come again later.
func collect(namesrv, group, topic, tags string, wanted int, accept func(*primitive.MessageExt) bool) error {
	c, err := newConsumer(namesrv, group)
	if err != nil {
		return err
	}
	var lock sync.Mutex
	seen := map[string]bool{}
	done := make(chan struct{})
	err = c.Subscribe(topic, consumer.MessageSelector{Type: consumer.TAG, Expression: tags},
		func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
			lock.Lock()
			defer lock.Unlock()
			for _, message := range messages {
				if !accept(message) {
					return consumer.ConsumeRetryLater, nil
				}
				if !seen[string(message.Body)] {
					seen[string(message.Body)] = true
					if len(seen) == wanted {
						close(done)
					}
				}
			}
			return consumer.ConsumeSuccess, nil
		})
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	defer c.Shutdown()
	select {
	case <-done:
		return nil
	case <-time.After(60 * time.Second):
		lock.Lock()
		defer lock.Unlock()
		return errors.New(fmt.Sprintf("%d of %d messages within a minute", len(seen), wanted))
	}
}
