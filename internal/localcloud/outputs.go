package localcloud

import "maps"

// Outputs returns all outputs of the template, by name.
func (c *Cloud) Outputs() map[string]string { return maps.Clone(c.stack.Outputs) }
