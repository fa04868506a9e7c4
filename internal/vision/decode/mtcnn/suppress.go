package mtcnn

import (
	"cmp"
	"slices"
)

// maxBoxes bounds the quadratic work of suppression. Pictures of a hundred
// faces stay far below it.
const maxBoxes = 20000

// suppress is greedy non-maximum suppression: of two boxes whose intersection
// over union exceeds the threshold the one with the lower score goes, of equals
// the later. The result is ordered, best first.
func suppress(list []Box, threshold float64) []Box {
	slices.SortStableFunc(list, func(a, b Box) int { return cmp.Compare(b.Score, a.Score) })
	list = list[:min(len(list), maxBoxes)]
	kept := list[:0]
	for _, b := range list {
		if !slices.ContainsFunc(kept, func(k Box) bool { return float64(iou(k, b)) > threshold }) {
			kept = append(kept, b)
		}
	}
	return kept
}

func iou(a, b Box) float32 {
	w := min(a.X2, b.X2) - max(a.X1, b.X1)
	h := min(a.Y2, b.Y2) - max(a.Y1, b.Y1)
	if w <= 0 || h <= 0 {
		return 0
	}
	inter := w * h
	return inter / (float32((a.X2-a.X1)*(a.Y2-a.Y1)) + float32((b.X2-b.X1)*(b.Y2-b.Y1)) - inter)
}

// suppressInside goes by the intersection over the smaller box, with sides
// longer by one pixel, and prefers the later of two equals.
func suppressInside(list []Box, threshold float32) []Box {
	slices.Reverse(list)
	slices.SortStableFunc(list, func(a, b Box) int { return cmp.Compare(b.Score, a.Score) })
	kept := list[:0]
	for _, b := range list {
		if !slices.ContainsFunc(kept, func(k Box) bool { return inside(k, b) > threshold }) {
			kept = append(kept, b)
		}
	}
	return kept
}

func inside(a, b Box) float32 {
	area := func(b Box) float32 { return (b.X2 - b.X1 + 1) * (b.Y2 - b.Y1 + 1) }
	w := max(0, min(a.X2, b.X2)-max(a.X1, b.X1)+1)
	h := max(0, min(a.Y2, b.Y2)-max(a.Y1, b.Y1)+1)
	return w * h / min(area(a), area(b))
}
