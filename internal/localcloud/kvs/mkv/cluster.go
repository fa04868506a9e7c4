package mkv

import (
	"errors"
	"io"
	"math"
)

func (r *Reader) cluster() (Event, error) {
	if r.offset == r.clusterEnd {
		return r.endCluster(nil)
	}
	e, err := r.element()
	if errors.Is(err, io.EOF) && r.clusterEnd == unknownSize {
		return r.endCluster(nil) // the next read says io.EOF again
	}
	if err != nil {
		return Event{}, unexpected(err)
	}
	if r.clusterEnd == unknownSize && (topLevel(e.id) || e.id == idEBML || e.id == idSegment) {
		return r.endCluster(&e)
	}
	if end := r.end(e.size); r.clusterEnd != unknownSize && (end == unknownSize || end > r.clusterEnd) {
		return Event{}, invalid("element %#x is larger than its cluster", e.id)
	}
	switch e.id {
	case idTimecode:
		raw, err := r.payload(e, 8)
		if err != nil {
			return Event{}, err
		}
		if r.hasTime {
			return Event{}, invalid("a cluster has two timecodes")
		}
		if r.timecode, err = parseUint(raw); err != nil || r.timecode > math.MaxInt64/2 {
			return Event{}, invalid("the cluster's timecode is %d", r.timecode)
		}
		r.hasTime = true
		return Event{Kind: ClusterStart, Timecode: r.timecode}, nil
	case idSimpleBlock, idBlockGroup:
		return r.readBlock(e)
	case idTags:
		return Event{}, invalid("tags stand inside a cluster: send them before it")
	default:
		return Event{}, r.skip(e)
	}
}

func (r *Reader) endCluster(next *element) (Event, error) {
	r.pending, r.state = next, inSegment
	if !r.hasTime {
		return Event{}, invalid("a cluster has no timecode")
	}
	return Event{Kind: ClusterEnd, TagsFollow: next != nil && next.id == idTags}, nil
}

func (r *Reader) readBlock(e element) (Event, error) {
	if !r.hasTime {
		return Event{}, invalid("a block comes before its cluster's timecode")
	}
	if e.size == unknownSize {
		return Event{}, invalid("a block has no size")
	}
	if e.size > uint64(r.maxBlock) {
		return Event{}, ErrTooLarge
	}
	raw, err := r.payload(e, r.maxBlock)
	if err != nil {
		return Event{}, err
	}
	parse := parseBlock
	if e.id == idBlockGroup {
		parse = parseBlockGroup
	}
	block, err := parse(raw, r.timecode)
	return Event{Kind: BlockRead, Block: block}, err
}
