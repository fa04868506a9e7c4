package signaling

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCandidatesWaitForTheirOffer(t *testing.T) {
	b, now := newInbox(), time.Now()
	candidate := func(client string, n int) Message {
		return Message{Client: client, Kind: Candidate, Payload: fmt.Append(nil, n)}
	}
	for i := range maxEarly + 5 {
		require.Empty(t, b.add(candidate("anna", i), now))
	}
	require.Empty(t, b.add(candidate("ben", 0), now))
	offer := Message{Client: "anna", Kind: Offer}
	got := b.add(offer, now)
	require.Len(t, got, 1+maxEarly, "no more are kept")
	require.Equal(t, offer, got[0])
	require.Equal(t, candidate("anna", 0), got[1])
	require.Equal(t, []Message{candidate("anna", 99)}, b.add(candidate("anna", 99), now))
	require.Len(t, b.add(Message{Client: "ben", Kind: Offer}, now.Add(earlyLife)), 1, "they are of no use any more")
	require.Equal(t, []Message{{Kind: RenewICE}}, b.add(Message{Kind: RenewICE}, now))
}

func TestInboxIsBounded(t *testing.T) {
	b, now := newInbox(), time.Now()
	for i := range 10 * maxKnown {
		b.add(Message{Client: fmt.Sprint("early-", i), Kind: Candidate}, now)
		b.add(Message{Client: fmt.Sprint("known-", i), Kind: Offer}, now.Add(time.Duration(i)))
		require.LessOrEqual(t, len(b.early), maxEarlyClients)
		require.LessOrEqual(t, len(b.known), maxKnown)
	}
	require.Contains(t, b.known, fmt.Sprint("known-", 10*maxKnown-1), "the newest stays")
	require.Empty(t, b.add(Message{Client: "late", Kind: Candidate}, now.Add(earlyLife)))
	require.Len(t, b.early, 1, "what is too old makes room")
}
