package signaling

// Connected tells who is connected to a channel.
func (s *Service) Connected(nameOrARN string) (master bool, viewers []string) {
	arn := s.ChannelARN(nameOrARN)
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rooms[arn]
	if r == nil {
		return false, nil
	}
	for id := range r.viewers {
		viewers = append(viewers, id)
	}
	return r.master != nil, viewers
}

// Cut breaks all connections to a channel without a word, as a network does,
// and tells how many.
func (s *Service) Cut(nameOrARN string) int {
	return s.each(nameOrARN, func(c *conn) { c.end(0, "cut by an injected fault") })
}

// Say sends a text to everyone who is connected to a channel, whatever it is,
// such as {"messageType":"GO_AWAY"}, and tells how many there are.
func (s *Service) Say(nameOrARN, text string) int {
	return s.each(nameOrARN, func(c *conn) { c.push(event{raw: text}) })
}

func (s *Service) each(nameOrARN string, do func(*conn)) int {
	arn := s.ChannelARN(nameOrARN)
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rooms[arn]
	if r == nil {
		return 0
	}
	all := r.everyone()
	for _, c := range all {
		do(c)
	}
	return len(all)
}
