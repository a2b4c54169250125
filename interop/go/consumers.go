package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

const waitMax = 60 * time.Second

// seenBodies is what a consumer got, in order, by itself. Consumers call it from many goroutines.
type seenBodies struct {
	lock   sync.Mutex
	bodies []string
	once   map[string]bool
}

func (s *seenBodies) add(messages []*primitive.MessageExt) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.once == nil {
		s.once = map[string]bool{}
	}
	for _, message := range messages {
		if body := string(message.Body); !s.once[body] {
			s.once[body] = true
			s.bodies = append(s.bodies, body)
		}
	}
}

func (s *seenBodies) count() int {
	s.lock.Lock()
	defer s.lock.Unlock()
	return len(s.bodies)
}

// until waits for a condition, and names it when it doesn't come.
func until(what string, isThere func() bool) error {
	for deadline := time.Now().Add(waitMax); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if isThere() {
			return nil
		}
	}
	return errors.New("not within a minute: " + what)
}

// member starts a push consumer that keeps what it gets.
func member(namesrv, group, instance, topic string, selector consumer.MessageSelector, seen *seenBodies, options ...consumer.Option) (rocketmq.PushConsumer, error) {
	c, err := rocketmq.NewPushConsumer(append([]consumer.Option{
		consumer.WithNsResolver(primitive.NewPassthroughResolver([]string{namesrv})),
		consumer.WithGroupName(group),
		consumer.WithInstance(instance),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
	}, options...)...)
	if err != nil {
		return nil, err
	}
	err = c.Subscribe(topic, selector, func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		seen.add(messages)
		return consumer.ConsumeSuccess, nil
	})
	if err != nil {
		return nil, err
	}
	return c, c.Start()
}

var everything = consumer.MessageSelector{Type: consumer.TAG, Expression: "*"}

// sendNumbered sends numbered bodies by turns with each of the sharding keys, whose messages share a queue.
func sendNumbered(namesrv, name, topic string, keys ...string) error {
	p, err := newProducer(namesrv, name, producer.WithQueueSelector(producer.NewHashQueueSelector()))
	if err != nil {
		return err
	}
	defer p.Shutdown()
	for n := 0; n < messageCount; n++ {
		key := keys[n%len(keys)]
		message := primitive.NewMessage(topic, []byte(fmt.Sprintf("%s %d", key, n)))
		message.WithShardingKey(key).WithProperty("number", fmt.Sprint(n))
		if _, err := p.SendSync(context.Background(), message); err != nil {
			return err
		}
	}
	return nil
}

// broadcast: each of two members of a group gets everything.
func broadcast(namesrv, runID string) error {
	topic, group := "GoBroadcast_"+runID, "go_broadcast_"+runID
	if err := sendNumbered(namesrv, "go_broadcast_p_"+runID, topic, "a", "b", "c", "d"); err != nil {
		return err
	}
	var members [2]seenBodies
	for n := range members {
		c, err := member(namesrv, group, fmt.Sprintf("%s_%d", group, n), topic, everything, &members[n],
			consumer.WithConsumerModel(consumer.BroadCasting))
		if err != nil {
			return err
		}
		defer c.Shutdown()
	}
	return until("everything for both", func() bool {
		return members[0].count() == messageCount && members[1].count() == messageCount
	})
}

// orderly: what has one key comes one after the other, in the order of its sending.
func orderly(namesrv, runID string) error {
	topic, group := "GoOrderly_"+runID, "go_orderly_"+runID
	if err := sendNumbered(namesrv, "go_orderly_p_"+runID, topic, "a", "b", "c"); err != nil {
		return err
	}
	var seen seenBodies
	c, err := member(namesrv, group, group, topic, everything, &seen, consumer.WithConsumerOrder(true))
	if err != nil {
		return err
	}
	defer c.Shutdown()
	if err := until("everything in order", func() bool { return seen.count() == messageCount }); err != nil {
		return fmt.Errorf("%w: %d of %d", err, seen.count(), messageCount)
	}
	last := map[string]int{}
	for _, body := range seen.bodies {
		var key string
		var number int
		fmt.Sscanf(body, "%s %d", &key, &number)
		if before, ok := last[key]; ok && number < before {
			return fmt.Errorf("%s came after number %d of its key", body, before)
		}
		last[key] = number
	}
	return nil
}

// members: two of a group share the queues while messages are sent, and the one that stays gets the rest.
func members(namesrv, runID string) error {
	topic, group := "GoMembers_"+runID, "go_members_"+runID
	producerName := "go_members_p_" + runID
	if err := sendNumbered(namesrv, producerName, topic, "a", "b", "c", "d", "e", "f", "g", "h"); err != nil {
		return err
	}
	var together seenBodies
	var started [2]rocketmq.PushConsumer
	for n := range started {
		c, err := member(namesrv, group, fmt.Sprintf("%s_%d", group, n), topic, everything, &together)
		if err != nil {
			return err
		}
		started[n] = c
	}
	defer started[1].Shutdown()
	err := until("the first messages", func() bool { return together.count() == messageCount })
	started[0].Shutdown()
	if err != nil {
		return err
	}
	if err := sendNumbered(namesrv, producerName+"_again", topic, "i", "j", "k", "l", "m", "n", "o", "p"); err != nil {
		return err
	}
	return until("what was sent to the one that stayed", func() bool { return together.count() == 2*messageCount })
}

// delayed: a message of level 1 comes no sooner than a second after it was sent.
func delayed(namesrv, runID string) error {
	topic, group := "GoDelayed_"+runID, "go_delayed_"+runID
	p, err := newProducer(namesrv, "go_delayed_p_"+runID)
	if err != nil {
		return err
	}
	defer p.Shutdown()
	var seen seenBodies
	if _, err := p.SendSync(context.Background(), primitive.NewMessage(topic, []byte("now"))); err != nil {
		return err
	}
	c, err := member(namesrv, group, group, topic, everything, &seen)
	if err != nil {
		return err
	}
	defer c.Shutdown()
	if err := until("the message that isn't delayed", func() bool { return seen.count() == 1 }); err != nil {
		return err
	}
	sentAt := time.Now()
	later := primitive.NewMessage(topic, []byte("later")).WithDelayTimeLevel(1)
	if _, err := p.SendSync(context.Background(), later); err != nil {
		return err
	}
	if err := until("the delayed message", func() bool { return seen.count() == 2 }); err != nil {
		return err
	}
	// The broker counts from when it stored the message; its clock has milliseconds.
	if waited := time.Since(sentAt); waited < 990*time.Millisecond {
		return fmt.Errorf("a message of level 1 came after %s", waited)
	}
	return nil
}

// bySQL: only what the condition wants.
func bySQL(namesrv, runID string) error {
	topic, group := "GoSql_"+runID, "go_sql_"+runID
	if err := sendNumbered(namesrv, "go_sql_p_"+runID, topic, "a", "b", "c", "d"); err != nil {
		return err
	}
	var seen seenBodies
	selector := consumer.MessageSelector{Type: consumer.SQL92, Expression: "number >= 40 AND number <> 45"}
	c, err := member(namesrv, group, group, topic, selector, &seen)
	if err != nil {
		return err
	}
	defer c.Shutdown()
	if err := until("9 messages", func() bool { return seen.count() >= 9 }); err != nil {
		return err
	}
	if seen.count() != 9 || seen.once["b 45"] || !seen.once["b 49"] {
		return fmt.Errorf("got %v", seen.bodies)
	}
	return nil
}
