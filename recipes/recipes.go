// Package recipes holds the Greengrass recipes of Porchlight's components,
// with the placeholders of the Greengrass Development Kit (GDK): BUCKET_NAME,
// COMPONENT_NAME and COMPONENT_VERSION.
package recipes

import _ "embed" // for the recipes

//go:embed camera/recipe.yaml
var camera string

//go:embed camera/java.yaml
var cameraJava string

//go:embed models/recipe.yaml
var models string

// Camera is the recipe of the camera component, for both nuclei.
func Camera() []byte { return []byte(camera) }

// CameraJava is what the Java nucleus adds to Camera.
func CameraJava() []byte { return []byte(cameraJava) }

// Models is the recipe of the component that holds the neural networks.
func Models() []byte { return []byte(models) }
