package main

// This file has all that concerns NATS: one stream of steps, one consumer that all workers share,
// one bucket of results.

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/vpptoken/vpptoken/renew"
)

const (
	streamName   = "VPPTOKEN_FLEET"
	consumerName = "workers"
	bucketName   = "VPPTOKEN_FLEET_RESULTS"
	subjectRoot  = "vpptoken.fleet"

	// keep is how long the stream keeps a step, done or not, and the id of its message. A step that
	// can still be delivered is therefore never older than the memory of the step that follows it.
	keep = 24 * time.Hour
)

// job is a step of one tenant's work: a message. The plan carries no secret, and the content token
// is only referred to, by the tenant's entry in the tenants file.
type job struct {
	Run    string      `json:"run"`
	Tenant string      `json:"tenant"`
	Step   renew.Step  `json:"step"`
	Plan   *renew.Plan `json:"plan,omitempty"`
}

func (j job) key() string     { return j.Run + "." + j.Tenant }
func (j job) subject() string { return subjectRoot + "." + j.key() + "." + string(j.Step) }

// queue is an open connection with its stream, consumer and bucket.
type queue struct {
	conn     *nats.Conn
	js       jetstream.JetStream
	stream   jetstream.Stream
	consumer jetstream.Consumer
	results  jetstream.KeyValue
}

// embed starts a NATS server inside the program, on a free port of the loopback interface. Its
// address holds a fresh token, since other users of the machine can reach the port.
func embed(dir string) (*server.Server, string, error) {
	token := rand.Text()
	srv, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, Authorization: token, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: dir, JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: 1 << 30,
	})
	if err != nil {
		return nil, "", fmt.Errorf("the queue inside the program: %w", err)
	}
	srv.Start()
	if !srv.ReadyForConnections(20 * time.Second) {
		closeServer(srv)
		return nil, "", errors.New("the queue inside the program did not start")
	}
	return srv, "nats://" + token + "@" + srv.Addr().String(), nil
}

func closeServer(srv *server.Server) {
	srv.Shutdown()
	srv.WaitForShutdown()
}

// connect never gives up on a connection that breaks: the steps wait in the queue.
func connect(address, name string, con *console) (*queue, error) {
	conn, err := nats.Connect(address, nats.Name("vpptoken fleet "+name), nats.MaxReconnects(-1),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			con.printf("%s: the queue: %v", name, err)
		}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				con.printf("%s: the connection to the queue broke (%v) and is tried again", name, err)
			}
		}))
	if err != nil {
		return nil, fmt.Errorf("no connection to the queue that NATS_URL names: %s", withoutAddress(err, address))
	}
	js, err := jetstream.New(conn)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &queue{conn: conn, js: js}, nil
}

// withoutAddress hides NATS_URL, which may hold a password, also where url.Error quotes it.
func withoutAddress(err error, address string) string {
	for part := range strings.SplitSeq(address, ",") {
		if strings.Contains(err.Error(), strings.TrimSpace(part)) {
			return "the address can't be used"
		}
	}
	return err.Error()
}

// declare makes the stream, the consumer and the bucket, or brings them to these settings.
func (q *queue) declare(ctx context.Context, ackWait time.Duration, replicas int) (err error) {
	q.stream, err = q.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: streamName, Description: "Steps of jobs on VPP tokens.", Subjects: []string{subjectRoot + ".*.*.*"},
		Storage: jetstream.FileStorage, Replicas: replicas,
		// Acknowledged steps stay, unlike in a work queue: a worker that gets a step twice can see that
		// the next one exists.
		Retention: jetstream.LimitsPolicy, MaxAge: keep, Duplicates: keep,
	})
	if err != nil {
		return fmt.Errorf("the stream of steps: %w", err)
	}
	q.consumer, err = q.stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: consumerName, AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait,
		MaxDeliver: -1, // the workers count, so that a step which is given up has a result
	})
	if err != nil {
		return fmt.Errorf("the consumer of steps: %w", err)
	}
	q.results, err = q.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: bucketName, Description: "Results of jobs on VPP tokens.", TTL: 7 * keep,
		Storage: jetstream.FileStorage, Replicas: replicas,
	})
	if err != nil {
		return fmt.Errorf("the bucket of results: %w", err)
	}
	return nil
}

// open waits until a coordinator has declared everything.
func (q *queue) open(ctx context.Context, con *console) error {
	for told := false; ; {
		err := q.find(ctx)
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		if !told {
			con.printf("waiting for a check or renew to begin (%v)", err)
			told = true
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (q *queue) find(ctx context.Context) (err error) {
	if q.results, err = q.js.KeyValue(ctx, bucketName); err != nil {
		return err
	}
	if q.stream, err = q.js.Stream(ctx, streamName); err != nil {
		return err
	}
	q.consumer, err = q.stream.Consumer(ctx, consumerName)
	return err
}

// publish puts a step into the stream, once however often it is called: the stream drops a message
// whose id it remembers.
func (q *queue) publish(ctx context.Context, j job) error {
	body, err := json.Marshal(j)
	if err != nil {
		return err
	}
	_, err = q.js.Publish(ctx, j.subject(), body, jetstream.WithMsgID(j.subject()),
		jetstream.WithExpectStream(streamName))
	return err
}

// record writes a job's result, once: the first one stays.
func (q *queue) record(ctx context.Context, j job, r result) error {
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if _, err = q.results.Create(ctx, j.key(), body); errors.Is(err, jetstream.ErrKeyExists) {
		return nil
	}
	return err
}

// isDone reports whether a step that was delivered again has been completed: the step after it is
// there, or the result is.
func (q *queue) isDone(ctx context.Context, j job) (bool, error) {
	switch _, err := q.results.Get(ctx, j.key()); {
	case err == nil:
		return true, nil
	case !errors.Is(err, jetstream.ErrKeyNotFound):
		return false, err
	}
	next, ok := following(j.Step)
	if !ok {
		return false, nil
	}
	j.Step = next
	switch _, err := q.stream.GetLastMsgForSubject(ctx, j.subject()); {
	case err == nil:
		return true, nil
	case !errors.Is(err, jetstream.ErrMsgNotFound):
		return false, err
	}
	return false, nil
}
