// Package nucleus is the camera component's side of the Greengrass nucleus it
// runs under: its configuration, its way to IoT Core and to the other components
// of the core, and its life cycle. It works the same on the Java nucleus and on
// nucleus lite, within the limits of the latter.
//
// A main package wires it so:
//
//	n, err := nucleus.Open(ctx, nucleus.Config{Getenv: os.Getenv, Folder: ".", Log: log})
//	switch {
//	case errors.Is(err, greengrass.ErrNotUnderGreengrass): // it runs on its own
//	case ctx.Err() != nil:
//		return nil // it was stopped while it waited for the nucleus
//	case err != nil:
//		return err // exit with a status that is not zero
//	}
//	defer n.Close()
//	wait.Go(func() { n.Settings().Watch(ctx, apply) }) // the first configuration, then changes
//	link := n.Link()                                   // to IoT Core
//	if err := n.Ready(ctx); err != nil { … }           // once it is up
//	err = n.Run(ctx, nucleus.Hooks{Validate: …, Busy: …})
//	// end everything; an error: exit with a status that is not zero
package nucleus
