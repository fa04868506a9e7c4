package recipe

import (
	"slices"
	"strings"
)

// operations of each service of the IPC that asks for permission.
func operations() map[string][]string {
	return map[string][]string{
		"aws.greengrass.ipc.pubsub":    {"PublishToTopic", "SubscribeToTopic"},
		"aws.greengrass.ipc.mqttproxy": {"PublishToIoTCore", "SubscribeToIoTCore"},
		"aws.greengrass.ShadowManager": {"GetThingShadow", "UpdateThingShadow", "DeleteThingShadow", "ListNamedShadowsForThing"},
		"aws.greengrass.SecretManager": {"GetSecretValue"},
	}
}

func (c *checker) accessControl() {
	services, _ := c.config["accessControl"].(map[string]any)
	const root = "ComponentConfiguration.DefaultConfiguration.accessControl"
	owner := map[string]string{}
	for _, service := range sortedKeys(services) {
		at := join(root, service)
		if c.lite && (service == "aws.greengrass.ShadowManager" || service == "aws.greengrass.SecretManager") {
			c.add(at, "remove it, or publish for the Java nucleus alone", "a service that nucleus lite does not have")
		}
		policies, _ := services[service].(map[string]any)
		for _, id := range sortedKeys(policies) {
			if other, taken := owner[id]; taken {
				c.add(join(at, id), "give each policy a name of its own", "a policy of the same name is in %s", other)
			}
			owner[id] = service
			if name, _ := c.value["ComponentName"].(string); !strings.HasPrefix(id, name+":") {
				c.add(join(at, id), "begin the name with "+name+": so that no other component on the device has it", "a policy name that may not be unique")
			}
			policy, _ := policies[id].(map[string]any)
			c.operations(join(at, id)+".operations", policy["operations"], operations()[service])
		}
	}
}

func (c *checker) operations(path string, value any, known []string) {
	list, _ := value.([]any)
	for i, item := range list {
		name, _ := item.(string)
		if name == "*" {
			continue
		}
		bare, prefixed := strings.CutPrefix(name, "aws.greengrass#")
		if !prefixed || !slices.Contains(known, bare) {
			c.add(index(path, i), "choose one of aws.greengrass#"+strings.Join(known, ", aws.greengrass#")+", or *", "%s is no operation of this service", brief(name))
		}
	}
}
