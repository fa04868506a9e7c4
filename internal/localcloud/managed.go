package localcloud

import "porchlight/internal/localcloud/iam"

// managedPolicies are the AWS managed policies that may stand in a template, by
// ARN. Source: AWS Managed Policy Reference.
func managedPolicies() map[string]string {
	return map[string]string{
		// Lets a function write its log, which needs no permission here.
		"arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole": "",
		// What the role of a provisioning template needs; version 3.
		"arn:aws:iam::aws:policy/service-role/AWSIoTThingsRegistration": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":["*"],"Action":[
			"iot:AddThingToThingGroup","iot:AttachPolicy","iot:AttachPrincipalPolicy","iot:AttachThingPrincipal",
			"iot:CreateCertificateFromCsr","iot:CreatePolicy","iot:CreateThing","iot:DescribeCertificate","iot:DescribeThing",
			"iot:DescribeThingGroup","iot:DescribeThingType","iot:DetachPolicy","iot:DetachThingPrincipal","iot:GetPolicy",
			"iot:ListAttachedPolicies","iot:ListPolicyPrincipals","iot:ListPrincipalPolicies","iot:ListPrincipalThings",
			"iot:ListTargetsForPolicy","iot:ListThingGroupsForThing","iot:ListThingPrincipals","iot:RegisterCertificate",
			"iot:RegisterThing","iot:RemoveThingFromThingGroup","iot:UpdateCertificate","iot:UpdateThing",
			"iot:UpdateThingGroupsForThing","iot:AddThingToBillingGroup","iot:DescribeBillingGroup",
			"iot:RemoveThingFromBillingGroup"]}]}`,
	}
}

// managedPolicy returns what a managed policy grants. Unknown ones are not ok.
func managedPolicy(arn string) (documents []iam.Document, ok bool, err error) {
	text, ok := managedPolicies()[arn]
	if !ok || text == "" {
		return nil, ok, nil
	}
	document, err := iam.Parse([]byte(text))
	return []iam.Document{document}, true, err
}
