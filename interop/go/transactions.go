// Transactions of the Go client: committed, rolled back, and left for the broker to ask about.
package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

const transactionCount = 12

// Even numbers are committed, odd ones rolled back; of each four the last two only when the broker asks.
type listener struct{ asked atomic.Int32 }

func verdict(body []byte) (int, primitive.LocalTransactionState) {
	number, _ := strconv.Atoi(strings.TrimPrefix(string(body), "go tx "))
	if number%2 == 0 {
		return number, primitive.CommitMessageState
	}
	return number, primitive.RollbackMessageState
}

func (l *listener) ExecuteLocalTransaction(message *primitive.Message) primitive.LocalTransactionState {
	number, state := verdict(message.Body)
	if number%4 >= 2 {
		return primitive.UnknowState
	}
	return state
}

func (l *listener) CheckLocalTransaction(message *primitive.MessageExt) primitive.LocalTransactionState {
	l.asked.Add(1)
	_, state := verdict(message.Body)
	return state
}

func transactions(namesrv, runID string) error {
	asking := &listener{}
	p, err := rocketmq.NewTransactionProducer(asking,
		producer.WithNsResolver(primitive.NewPassthroughResolver([]string{namesrv})),
		producer.WithGroupName("go_tx_"+runID),
		producer.WithInstanceName("go_tx_"+runID),
	)
	if err != nil {
		return err
	}
	if err := p.Start(); err != nil {
		return err
	}
	defer p.Shutdown()
	topic := "GoTx_" + runID
	for n := 0; n < transactionCount; n++ {
		result, err := p.SendMessageInTransaction(context.Background(),
			primitive.NewMessage(topic, []byte(fmt.Sprintf("go tx %d", n))))
		if err != nil {
			return err
		}
		if result.Status != primitive.SendOK {
			return fmt.Errorf("transaction %d: %s", n, result)
		}
	}
	var wrong atomic.Value
	err = collect(namesrv, "go_tx_consumer_"+runID, topic, "*", transactionCount/2, func(message *primitive.MessageExt) bool {
		if _, state := verdict(message.Body); state != primitive.CommitMessageState {
			wrong.Store("seen though rolled back: " + string(message.Body))
		}
		return true
	})
	if err != nil {
		return err
	}
	if problem := wrong.Load(); problem != nil {
		return errors.New(problem.(string))
	}
	if asking.asked.Load() == 0 {
		return errors.New("the broker never asked")
	}
	return nil
}
