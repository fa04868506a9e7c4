package command

// memory knows the request ids of late, and the replies to those that are
// done. The oldest are forgotten first.
type memory struct {
	most    int
	order   []string
	replies map[string][]byte // nil: not done yet
}

func newMemory(most int) *memory { return &memory{most: most, replies: map[string][]byte{}} }

// recall returns the reply, which is nil while the command waits or runs.
func (m *memory) recall(id string) (reply []byte, seen bool) {
	reply, seen = m.replies[id]
	return reply, seen
}

func (m *memory) begin(id string) {
	m.order = append(m.order, id)
	m.replies[id] = nil
	// What is not done yet must not be forgotten; there is far less of it.
	for i := 0; len(m.replies) > m.most && i < len(m.order); {
		if m.replies[m.order[i]] == nil {
			i++
			continue
		}
		delete(m.replies, m.order[i])
		m.order = append(m.order[:i], m.order[i+1:]...)
	}
}

func (m *memory) finish(id string, reply []byte) {
	if _, seen := m.replies[id]; seen {
		m.replies[id] = reply
	}
}
