package publish

// Call is one request that publishing would make, as a dry run shows it.
type Call struct {
	Call       string            `json:"call"` // service:Operation
	Parameters map[string]string `json:"parameters"`
	When       string            `json:"when,omitempty"` // empty: always
}

// Calls lists, in order, the requests that publishing components and then
// deploying them to target, if not empty, would make.
func Calls(components []*Component, target string) []Call {
	calls := []Call{{Call: "sts:GetCallerIdentity"}}
	for _, c := range components {
		version := map[string]string{"component": c.Name, "version": c.Version}
		calls = append(calls, Call{Call: "greengrass:DescribeComponent", Parameters: version})
		for _, a := range c.Artifacts {
			object := map[string]string{"bucket": c.Bucket, "key": c.Key(a)}
			calls = append(calls,
				Call{Call: "s3:HeadObject", Parameters: object, When: "the component version does not exist"},
				Call{Call: "s3:PutObject", Parameters: object, When: "the object does not exist"})
		}
		calls = append(calls, Call{
			Call: "greengrass:CreateComponentVersion", When: "the component version does not exist",
			Parameters: map[string]string{"component": c.Name, "version": c.Version, "digest": c.Digest()},
		})
	}
	if target == "" {
		return calls
	}
	versions := map[string]string{"target": target}
	for _, c := range components {
		versions[c.Name] = c.Version
	}
	return append(calls,
		Call{Call: "greengrass:ListDeployments", Parameters: map[string]string{"target": target}},
		Call{Call: "greengrass:GetDeployment", Parameters: map[string]string{"target": target}, When: "the target has a deployment"},
		Call{Call: "greengrass:CreateDeployment", Parameters: versions, When: "the target has other versions"})
}
