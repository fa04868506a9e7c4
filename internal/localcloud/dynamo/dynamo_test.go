package dynamo_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"porchlight/internal/localcloud/dynamo"
	"porchlight/internal/localcloud/dynamo/dynamotest"
)

// helperDir makes the test binary run a database in that directory instead of
// the tests, so that a test can kill it the hard way.
const helperDir = "DYNAMO_TEST_HELPER_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(helperDir); dir != "" {
		s, err := dynamo.Start(context.Background(), dynamo.Config{
			Dir: dir, NodeModules: dynamotest.NodeModules(), Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			panic(err)
		}
		fmt.Fprintln(os.Stdout, s.Endpoint())
		select {}
	}
	goleak.VerifyTestMain(m)
}

func client(t *testing.T, endpoint string) *dynamodb.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(endpoint),
		HTTPClient:  &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

// front serves the database the way the front door does.
func front(t *testing.T, s *dynamo.Server) *dynamodb.Client {
	t.Helper()
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(srv.Close)
	return client(t, srv.URL)
}

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func put(t *testing.T, c *dynamodb.Client, sk string, extra map[string]types.AttributeValue) {
	t.Helper()
	item := map[string]types.AttributeValue{"pk": str("p"), "sk": str(sk), "gsi1pk": str("g"), "gsi1sk": str(sk)}
	for k, v := range extra {
		item[k] = v
	}
	_, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("porchlight"), Item: item})
	require.NoError(t, err)
}

// sortKeys lists the items through the table or, given its name, an index.
func sortKeys(t *testing.T, c *dynamodb.Client, index string) (out []string) {
	t.Helper()
	in := &dynamodb.ScanInput{TableName: aws.String("porchlight")}
	if index != "" {
		in.IndexName = aws.String(index)
	}
	page, err := c.Scan(t.Context(), in)
	require.NoError(t, err)
	for _, item := range page.Items {
		out = append(out, item["sk"].(*types.AttributeValueMemberS).Value)
	}
	return out
}

func TestProvisionIsIdempotentAcrossRestarts(t *testing.T) {
	dir := t.TempDir()
	first := dynamotest.StartIn(t, dir)
	require.NoError(t, first.Provision(t.Context(), dynamotest.Table()))
	require.NoError(t, first.Provision(t.Context(), dynamotest.Table()))
	put(t, front(t, first), "kept", nil)
	first.Close()

	second := dynamotest.StartIn(t, dir)
	require.NoError(t, second.Provision(t.Context(), dynamotest.Table()))
	require.Equal(t, []string{"kept"}, sortKeys(t, front(t, second), ""))

	changed := dynamotest.Table()
	changed.KeySchema = []dynamo.KeyElement{{AttributeName: "sk", KeyType: "HASH"}, {AttributeName: "pk", KeyType: "RANGE"}}
	err := second.Provision(t.Context(), changed)
	require.ErrorIs(t, err, dynamo.ErrTableMismatch)
	require.ErrorContains(t, err, "sk:HASH")

	changed = dynamotest.Table()
	changed.GlobalSecondaryIndexes = nil
	changed.AttributeDefinitions = changed.AttributeDefinitions[:2]
	require.ErrorIs(t, second.Provision(t.Context(), changed), dynamo.ErrTableMismatch)
}

func TestProvisionRefusesBadProperties(t *testing.T) {
	s := dynamotest.Start(t)
	require.ErrorIs(t, s.Provision(t.Context(), dynamo.TableProperties{}), dynamo.ErrInvalidTable)
	undefined := dynamotest.Table()
	undefined.AttributeDefinitions = nil
	require.ErrorIs(t, s.Provision(t.Context(), undefined), dynamo.ErrInvalidTable)
}

func TestExpiredItemsAreSwept(t *testing.T) {
	s := dynamotest.Start(t)
	require.NoError(t, s.Provision(t.Context(), dynamotest.Table()))
	c := front(t, s)
	at := func(d time.Duration) map[string]types.AttributeValue {
		n := strconv.FormatInt(time.Now().Add(d).Unix(), 10)
		return map[string]types.AttributeValue{"expires_at": &types.AttributeValueMemberN{Value: n}}
	}
	put(t, c, "future", at(time.Hour))
	put(t, c, "never", nil)
	put(t, c, "text", map[string]types.AttributeValue{"expires_at": str("1")})
	put(t, c, "past", at(-time.Hour))
	require.Eventually(t, func() bool { return len(sortKeys(t, c, "")) == 3 }, time.Minute, 20*time.Millisecond)
	require.ElementsMatch(t, []string{"future", "never", "text"}, sortKeys(t, c, ""))
	require.ElementsMatch(t, []string{"future", "never", "text"}, sortKeys(t, c, "gsi1"))

	ttl, err := c.DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: aws.String("porchlight")})
	require.NoError(t, err)
	require.Equal(t, types.TimeToLiveStatusEnabled, ttl.TimeToLiveDescription.TimeToLiveStatus)
}

// childPIDs finds the node processes that serve dir.
func childPIDs(t *testing.T, dir string) (pids []int) {
	t.Helper()
	procs, err := os.ReadDir("/proc")
	if err != nil {
		t.Skip("needs /proc to find the child")
	}
	for _, p := range procs {
		pid, err := strconv.Atoi(p.Name())
		if err != nil {
			continue
		}
		env, _ := os.ReadFile("/proc/" + p.Name() + "/environ")
		if strings.Contains("\x00"+string(env), "\x00DATA_DIR="+dir+"\x00") {
			pids = append(pids, pid)
		}
	}
	return pids
}

func TestKilledChildIsReplaced(t *testing.T) {
	dir := t.TempDir()
	s := dynamotest.StartIn(t, dir)
	require.NoError(t, s.Provision(t.Context(), dynamotest.Table()))
	c := front(t, s)
	for round := range 3 {
		put(t, c, strconv.Itoa(round), nil)
		pids := childPIDs(t, dir)
		require.Len(t, pids, 1)
		require.NoError(t, syscall.Kill(pids[0], syscall.SIGKILL))
	}
	require.ElementsMatch(t, []string{"0", "1", "2"}, sortKeys(t, c, ""))
	require.ElementsMatch(t, []string{"0", "1", "2"}, sortKeys(t, c, "gsi1"))
}

func TestEverythingKilledKeepsWhatWasAcknowledged(t *testing.T) {
	dynamotest.Start(t).Close() // skips where it cannot run
	dir := t.TempDir()
	helper := exec.Command(os.Args[0])
	helper.Env = append(os.Environ(), helperDir+"="+dir)
	stdout, err := helper.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, helper.Start())
	endpoint, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)

	c := client(t, strings.TrimSpace(endpoint))
	_, err = c.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("porchlight"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: "S"}, {AttributeName: aws.String("sk"), AttributeType: "S"}},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: "HASH"}, {AttributeName: aws.String("sk"), KeyType: "RANGE"}},
	})
	require.NoError(t, err)
	require.NoError(t, dynamodb.NewTableExistsWaiter(c).Wait(t.Context(),
		&dynamodb.DescribeTableInput{TableName: aws.String("porchlight")}, time.Minute))
	// Writes until the database is shot from under it.
	acknowledged := make(chan string, 10000)
	go func() {
		defer close(acknowledged)
		for n := range cap(acknowledged) {
			sk := fmt.Sprintf("%05d", n)
			_, err := c.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: aws.String("porchlight"),
				Item: map[string]types.AttributeValue{"pk": str("p"), "sk": str(sk)}}, func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 })
			if err != nil {
				return
			}
			acknowledged <- sk
		}
	}()
	require.Eventually(t, func() bool { return len(acknowledged) > 100 }, time.Minute, time.Millisecond)
	pids := childPIDs(t, dir)
	require.Len(t, pids, 1)
	require.NoError(t, helper.Process.Kill())
	require.NoError(t, syscall.Kill(pids[0], syscall.SIGKILL))
	_, _ = io.Copy(io.Discard, stdout)
	_ = helper.Wait()
	var want []string
	for sk := range acknowledged {
		want = append(want, sk)
	}

	again := dynamotest.StartIn(t, dir)
	require.Subset(t, sortKeys(t, front(t, again), ""), want)
	require.Len(t, childPIDs(t, dir), 1)
}

func TestOrphanLeavesByItself(t *testing.T) {
	dynamotest.Start(t).Close() // skips where it cannot run
	dir := t.TempDir()
	helper := exec.Command(os.Args[0])
	helper.Env = append(os.Environ(), helperDir+"="+dir)
	stdout, err := helper.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, helper.Start())
	_, err = bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	require.Len(t, childPIDs(t, dir), 1)
	require.NoError(t, helper.Process.Kill())
	_ = helper.Wait()
	require.Eventually(t, func() bool { return len(childPIDs(t, dir)) == 0 }, time.Minute, 10*time.Millisecond)
}

func TestCloseLeavesNoProcess(t *testing.T) {
	dir := t.TempDir()
	s := dynamotest.StartIn(t, dir)
	require.Len(t, childPIDs(t, dir), 1)
	s.Close()
	require.Empty(t, childPIDs(t, dir))
}

func TestStartSaysWhatIsMissing(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	_, err := dynamo.Start(t.Context(), dynamo.Config{Dir: t.TempDir(), NodeModules: t.TempDir(), Node: "no-such-node", Log: log})
	require.ErrorIs(t, err, dynamo.ErrNoNode)
	_, err = dynamo.Start(t.Context(), dynamo.Config{Dir: t.TempDir(), NodeModules: t.TempDir(), Node: "true", Log: log})
	require.ErrorIs(t, err, dynamo.ErrNotInstalled)
	require.ErrorContains(t, err, "npm ci")
}

func TestStartSaysThatTheDirectoryIsTaken(t *testing.T) {
	dir := t.TempDir()
	dynamotest.StartIn(t, dir)
	_, err := dynamo.Start(t.Context(), dynamo.Config{
		Dir: dir, NodeModules: dynamotest.NodeModules(), StartWithin: time.Millisecond, Log: slog.New(slog.DiscardHandler),
	})
	require.ErrorIs(t, err, dynamo.ErrStart)
	require.ErrorContains(t, err, dir)
	require.ErrorContains(t, err, "LOCK")
}

func TestHalfARequestDoesNotHurt(t *testing.T) {
	s := dynamotest.Start(t)
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", io.MultiReader(strings.NewReader("{"), brokenReader{}))
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
	rec := httptest.NewRecorder()
	s.Handler().ServeHTTP(rec, req)
	require.Equal(t, http.StatusRequestEntityTooLarge, rec.Code)
	require.NotEmpty(t, rec.Header().Get("X-Amz-Crc32"))
	require.NoError(t, s.Provision(t.Context(), dynamotest.Table()))
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
