// Package nucleus is the camera component's side of the Greengrass nucleus it
// runs under: its configuration, its way to IoT Core and to the other components
// of the core, and its life cycle. It works the same on the Java nucleus and on
// nucleus lite, within the limits of the latter.
//
// A main package wires it so:
//
//	n, err := nucleus.Open(ctx, nucleus.Config{Getenv: os.Getenv, Folder: ".", Log: log})
//	if errors.Is(err, greengrass.ErrNotUnderGreengrass) {
//		// standalone
//	}
//	defer n.Close()
//	go n.Settings().Watch(ctx, apply)         // the first configuration, then changes
//	link := n.Link()                          // Publish and Subscribe, to IoT Core
//	n.Ready(ctx)                              // once it is up
//	err = n.Run(ctx, nucleus.Hooks{…})        // an error: end everything, exit with 1
package nucleus
