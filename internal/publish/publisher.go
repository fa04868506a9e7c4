package publish

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/greengrassv2"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Objects is what a Publisher needs of S3.
type Objects interface {
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// Greengrass is what a Publisher needs of AWS IoT Greengrass V2.
type Greengrass interface {
	DescribeComponent(context.Context, *greengrassv2.DescribeComponentInput, ...func(*greengrassv2.Options)) (*greengrassv2.DescribeComponentOutput, error)
	CreateComponentVersion(context.Context, *greengrassv2.CreateComponentVersionInput, ...func(*greengrassv2.Options)) (*greengrassv2.CreateComponentVersionOutput, error)
	ListDeployments(context.Context, *greengrassv2.ListDeploymentsInput, ...func(*greengrassv2.Options)) (*greengrassv2.ListDeploymentsOutput, error)
	GetDeployment(context.Context, *greengrassv2.GetDeploymentInput, ...func(*greengrassv2.Options)) (*greengrassv2.GetDeploymentOutput, error)
	CreateDeployment(context.Context, *greengrassv2.CreateDeploymentInput, ...func(*greengrassv2.Options)) (*greengrassv2.CreateDeploymentOutput, error)
}

// Identity is what a Publisher needs of STS.
type Identity interface {
	GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error)
}

// Publisher takes components to AWS. All fields are required.
type Publisher struct {
	Objects    Objects
	Greengrass Greengrass
	Identity   Identity
	Region     string
	Step       func(format string, a ...any)              // hears of progress
	Pause      func(context.Context, time.Duration) error // waits between two looks
}

// Account is where a Publisher publishes.
type Account struct{ Partition, ID string }

// Account asks whose credentials these are.
func (p *Publisher) Account(ctx context.Context) (Account, error) {
	who, err := p.Identity.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return Account{}, fmt.Errorf("ask AWS who this is: %w: check the credentials in the environment or ~/.aws", err)
	}
	if who.Arn == nil {
		return Account{}, errors.New("ask AWS who this is: the answer names nobody: check --endpoint")
	}
	caller, err := arn.Parse(*who.Arn)
	if err != nil {
		return Account{}, fmt.Errorf("ask AWS who this is: %w: check --endpoint", err)
	}
	return Account{Partition: caller.Partition, ID: caller.AccountID}, nil
}

func (p *Publisher) arn(a Account, service, resource string) string {
	return arn.ARN{Partition: a.Partition, Service: service, Region: p.Region, AccountID: a.ID, Resource: resource}.String()
}

// Wait pauses for d or until ctx ends.
func Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
