// Package mtcnn is what MTCNN does between its three networks (Zhang et al.,
// "Joint Face Detection and Alignment using Multitask Cascaded Convolutional
// Networks", arXiv 1604.02878): the scales of the picture pyramid, proposals,
// suppression and refinement of boxes. It is pure arithmetic.
//
// Every step computes in float32 and rounds where the implementation of
// facenet-pytorch does, so that the same boxes survive the same thresholds.
// Conversions that look needless keep the compiler from fusing a product and a
// sum, which some processors would round differently.
package mtcnn
