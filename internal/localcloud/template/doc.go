// Package template reads synthesized CloudFormation templates and resolves
// them into the concrete resources that the local cloud starts: intrinsic
// functions become values, logical ids become physical names, and a resource
// type or attribute nobody here knows is an error that names it.
//
// Sources: the AWS CloudFormation Template Reference (intrinsic functions,
// pseudo parameters, "Return values" of each resource type).
package template
