// Package rekognition answers DetectLabels on one machine: with what
// Porchlight's own detector sees, which runs as a program of its own, one
// picture each, because it is native code and this process is not.
//
// The shapes, the limits and the errors are those of the real service; the
// names of labels are the detector's, written as the service writes its own,
// and no label has parents. Not offered: image properties, and filters of
// labels.
//
// Source: Amazon Rekognition API Reference, DetectLabels; Developer Guide,
// "Guidelines and quotas in Amazon Rekognition".
package rekognition
