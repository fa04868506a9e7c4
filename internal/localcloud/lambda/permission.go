package lambda

import (
	"regexp"
	"strings"
)

// PermissionProperties is what is honored of AWS::Lambda::Permission.
type PermissionProperties struct {
	Action        string // lambda:InvokeFunction or lambda:*
	FunctionName  string // name or ARN
	Principal     string // a service, such as apigateway.amazonaws.com
	SourceArn     string // may hold * and ?; empty: any
	SourceAccount string // all is one account here
}

// Permissions are the resource policies of all functions.
type Permissions []PermissionProperties

// Allow reports whether a service may invoke the function on behalf of source.
func (ps Permissions) Allow(functionARN, principal, sourceARN string) bool {
	for _, p := range ps {
		if (p.Action == "lambda:InvokeFunction" || p.Action == "lambda:*") &&
			functionName(p.FunctionName) == functionName(functionARN) &&
			p.Principal == principal && (p.SourceArn == "" || arnLike(p.SourceArn, sourceARN)) {
			return true
		}
	}
	return false
}

// arnLike is IAM's ArnLike: * stands for any characters, ? for one.
func arnLike(pattern, arn string) bool {
	expr := strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(pattern))
	return regexp.MustCompile(`^(?s:` + expr + `)$`).MatchString(arn)
}
