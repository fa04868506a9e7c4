package table

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"porchlight/infra/internal/naming"
)

// Table is the table and its grants.
type Table struct {
	table awsdynamodb.TableV2
}

// New makes the table: on demand, encrypted with the service's own key,
// restorable to any second of the last 35 days.
func New(scope constructs.Construct, id string, props Props) *Table {
	removal := awscdk.RemovalPolicy_DESTROY
	if props.Retain {
		removal = awscdk.RemovalPolicy_RETAIN
	}
	text := func(name string) *awsdynamodb.Attribute {
		return &awsdynamodb.Attribute{Name: jsii.String(name), Type: awsdynamodb.AttributeType_STRING}
	}
	return &Table{awsdynamodb.NewTableV2(scope, jsii.String(id), &awsdynamodb.TablePropsV2{
		PartitionKey: text(naming.PartitionKey),
		SortKey:      text(naming.SortKey),
		Billing:      awsdynamodb.Billing_OnDemand(nil),
		GlobalSecondaryIndexes: &[]*awsdynamodb.GlobalSecondaryIndexPropsV2{{
			IndexName:      jsii.String(naming.Index),
			PartitionKey:   text(naming.IndexPartitionKey),
			SortKey:        text(naming.IndexSortKey),
			ProjectionType: awsdynamodb.ProjectionType_ALL,
		}},
		TimeToLiveAttribute: jsii.String(naming.TTLAttribute),
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{
			PointInTimeRecoveryEnabled: jsii.Bool(true),
		},
		DeletionProtection: jsii.Bool(props.Retain),
		RemovalPolicy:      removal,
	})}
}

// Name of the table, known when it is deployed.
func (t *Table) Name() *string { return t.table.TableName() }

// GrantUpsert lets the grantee read and write single items by key, and no
// more: no query, no scan, no deletion.
func (t *Table) GrantUpsert(grantee awsiam.IGrantable) {
	allow(grantee, []string{"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"}, t.table.TableArn())
}

// GrantRead lets the grantee read items by key and query the table and its
// index. A scan, which crosses owners, is not allowed.
func (t *Table) GrantRead(grantee awsiam.IGrantable) {
	index := awscdk.Fn_Join(jsii.String(""), &[]*string{t.table.TableArn(), jsii.String("/index/" + naming.Index)})
	allow(grantee, []string{"dynamodb:GetItem"}, t.table.TableArn())
	allow(grantee, []string{"dynamodb:Query"}, t.table.TableArn(), index)
}

// GrantFaces lets the grantee read and write single items by key, and query
// the persons of an owner: no index, no scan, no deletion.
func (t *Table) GrantFaces(grantee awsiam.IGrantable) {
	allow(grantee, []string{"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:Query"}, t.table.TableArn())
}

func allow(grantee awsiam.IGrantable, actions []string, resources ...*string) {
	grantee.GrantPrincipal().AddToPrincipalPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings(actions...),
		Resources: &resources,
	}))
}
