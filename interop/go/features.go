// What else the Go client can do: administer topics, live in a namespace, and pull by itself.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/apache/rocketmq-client-go/v2/admin"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
)

const pollMax = 2 * time.Second

// administer: a topic is made, listed with its queues, and deleted; groups are listed.
func administer(namesrv, runID string) error {
	ctx, topic, broker := context.Background(), "GoAdmin_"+runID, os.Args[3]
	a, err := admin.NewAdmin(admin.WithResolver(primitive.NewPassthroughResolver([]string{namesrv})))
	if err != nil {
		return err
	}
	defer a.Close()
	// Its calls have 5 s; on a busy machine one may need more, and doing it again does no harm.
	if err := until("a topic made", func() bool {
		return a.CreateTopic(ctx, admin.WithTopicCreate(topic), admin.WithBrokerAddrCreate(broker),
			admin.WithReadQueueNums(3), admin.WithWriteQueueNums(3)) == nil
	}); err != nil {
		return err
	}
	// Whether the topic is listed; nothing when no list came.
	listed := func() (isThere, isKnown bool) {
		list, err := a.FetchAllTopicList(ctx)
		if err != nil {
			return false, false
		}
		for _, each := range list.TopicList {
			if each == topic {
				return true, true
			}
		}
		return false, true
	}
	if err := until("a topic of 3 queues", func() bool {
		queues, err := a.FetchPublishMessageQueues(ctx, topic)
		isThere, _ := listed()
		return err == nil && len(queues) == 3 && isThere
	}); err != nil {
		return err
	}
	if err := until("the groups that a broker has from the beginning", func() bool {
		groups, err := a.GetAllSubscriptionGroup(ctx, broker, 10*time.Second)
		return err == nil && groups.SubscriptionGroupTable["TOOLS_CONSUMER"].GroupName == "TOOLS_CONSUMER"
	}); err != nil {
		return err
	}
	return until("the topic's end", func() bool {
		err := a.DeleteTopic(ctx, admin.WithTopicDelete(topic), admin.WithBrokerAddrDelete(broker),
			admin.WithNameSrvAddr([]string{namesrv}))
		isThere, isKnown := listed()
		return err == nil && isKnown && !isThere
	})
}

// inNamespace: topics and groups have the namespace's name before theirs.
func inNamespace(namesrv, runID string) error {
	topic, group, namespace := "GoSpace_"+runID, "go_space_"+runID, "goSpace"
	p, err := newProducer(namesrv, "go_space_p_"+runID, producer.WithNamespace(namespace))
	if err != nil {
		return err
	}
	defer p.Shutdown()
	sent, err := p.SendSync(context.Background(), primitive.NewMessage(topic, []byte("in a space")))
	if err != nil {
		return err
	}
	if sent.MessageQueue.Topic != namespace+"%"+topic {
		return fmt.Errorf("sent to %s", sent.MessageQueue.Topic)
	}
	var seen seenBodies
	c, err := member(namesrv, group, group, topic, everything, &seen, consumer.WithNamespace(namespace))
	if err != nil {
		return err
	}
	defer c.Shutdown()
	return until("the message", func() bool { return seen.count() == 1 })
}

// pull: a consumer that polls gets everything, and goes on behind what it acknowledged.
func pull(namesrv, runID string) error {
	topic, group := "GoPull_"+runID, "go_pull_"+runID
	if err := sendNumbered(namesrv, "go_pull_p_"+runID, topic, "a", "b", "c", "d"); err != nil {
		return err
	}
	c, err := rocketmq.NewPullConsumer(
		consumer.WithNsResolver(primitive.NewPassthroughResolver([]string{namesrv})),
		consumer.WithGroupName(group),
		consumer.WithInstance(group),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
	)
	if err != nil {
		return err
	}
	if err := c.Subscribe(topic, everything); err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	defer c.Shutdown()
	var seen seenBodies
	return until(fmt.Sprint(messageCount, " messages"), func() bool {
		polled, err := c.Poll(context.Background(), pollMax)
		if err != nil {
			return false
		}
		seen.add(polled.GetMsgList())
		c.ACK(context.Background(), polled, consumer.ConsumeSuccess)
		return seen.count() == messageCount
	})
}
