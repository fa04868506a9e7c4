// Command function is what the tests run: a real bootstrap that does what its
// payload says.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type request struct {
	Do   string `json:"do"`
	Text string `json:"text"`
	Size int    `json:"size"`
}

type response struct {
	Text        string   `json:"text"`
	PID         int      `json:"pid"`
	Invocations int64    `json:"invocations"`
	RequestID   string   `json:"request_id"`
	ARN         string   `json:"arn"`
	RemainingMS int64    `json:"remaining_ms"`
	Env         []string `json:"env,omitempty"`
}

var invocations atomic.Int64

func handle(ctx context.Context, in request) (response, error) {
	out := response{Text: in.Text, PID: os.Getpid(), Invocations: invocations.Add(1)}
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		out.RequestID, out.ARN = lc.AwsRequestID, lc.InvokedFunctionArn
	}
	if deadline, ok := ctx.Deadline(); ok {
		out.RemainingMS = time.Until(deadline).Milliseconds()
	}
	switch in.Do {
	case "error":
		return out, errors.New("it went wrong")
	case "panic":
		panic("oh no")
	case "exit":
		os.Exit(7)
	case "exit-after":
		time.AfterFunc(20*time.Millisecond, func() { os.Exit(0) })
	case "hang":
		child := exec.Command("/bin/sleep", "600")
		if err := child.Start(); err != nil {
			return out, err
		}
		fmt.Printf("child %d\n", child.Process.Pid)
		select {}
	case "env":
		out.Env = os.Environ()
	case "big":
		out.Text = strings.Repeat("x", in.Size)
	case "log":
		fmt.Println(`{"level":"WARN","msg":"from the function","answer":42}`)
		fmt.Fprintln(os.Stderr, "plain "+in.Text)
		fmt.Println(strings.Repeat("y", in.Size))
	case "append": // one line in the file named by the environment
		f, err := os.OpenFile(os.Getenv("FILE"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return out, err
		}
		defer f.Close()
		if _, err := fmt.Fprintln(f, in.Text); err != nil {
			return out, err
		}
	case "fail-unless": // the file named by the environment exists
		if _, err := os.Stat(os.Getenv("FILE")); err != nil {
			return out, errors.New("not yet")
		}
	case "meet": // until two invocations run at the same time
		name := os.Getenv("FILE") + in.Text
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			return out, err
		}
		other := os.Getenv("FILE") + map[string]string{"a": "b", "b": "a"}[in.Text]
		for {
			if _, err := os.Stat(other); err == nil {
				return out, os.WriteFile(name+"-done", nil, 0o600)
			}
			time.Sleep(time.Millisecond)
		}
	}
	return out, nil
}

func main() {
	switch os.Getenv("AT_INIT") {
	case "exit":
		os.Exit(3)
	case "report":
		body, _ := json.Marshal(map[string]string{"errorType": "Extension.Missing", "errorMessage": "cannot start"})
		url := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/init/error"
		resp, err := http.Post(url, "application/json", strings.NewReader(string(body)))
		if err != nil || resp.StatusCode != http.StatusAccepted {
			os.Exit(9)
		}
		os.Exit(1)
	}
	lambda.Start(handle)
}
