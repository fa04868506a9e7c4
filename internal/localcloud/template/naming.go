package template

import (
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"strings"
)

// style is the shape a service demands of its names and ids.
type style int

const (
	styleName       style = iota // letters, digits, hyphens, at most 64
	styleLower                   // the same in lower case, at most 63: S3 buckets
	styleUnderscore              // letters, digits, underscores: IoT rules
	styleUUID                    // 8-4-4-4-12 hexadecimal
	stylePool                    // <region>_<9 characters>: Cognito user pools
	styleClient                  // 26 lower-case letters and digits: Cognito app clients
	styleShort                   // 10 lower-case letters and digits: API Gateway ids
)

// generate makes the name of a resource that was given none. The same stack
// and logical id always give the same name, so data survives restarts.
func (s style) generate(env Environment, logicalID string) string {
	stack := env.StackName
	switch s {
	case styleLower:
		return strings.ToLower(readable(stack, logicalID, "-", 63))
	case styleUnderscore:
		return strings.ReplaceAll(readable(stack, logicalID, "_", 64), "-", "_")
	case styleUUID:
		return uuid(stack, logicalID)
	case stylePool:
		return env.Region + "_" + base62(stack, logicalID, 9)
	case styleClient:
		return hexDigest(stack, logicalID)[:26]
	case styleShort:
		return hexDigest(stack, logicalID)[:10]
	default:
		return readable(stack, logicalID, "-", 64)
	}
}

func readable(stack, logicalID, sep string, limit int) string {
	tail := sep + hexDigest(stack, logicalID)[:8]
	head := stack + sep + logicalID
	if len(head)+len(tail) > limit {
		head = head[:limit-len(tail)]
	}
	return head + tail
}

func digest(stack, logicalID string) []byte {
	sum := sha256.Sum256([]byte(stack + "/" + logicalID))
	return sum[:]
}

func hexDigest(stack, logicalID string) string { return hex.EncodeToString(digest(stack, logicalID)) }

func base62(stack, logicalID string, n int) string {
	text := new(big.Int).SetBytes(digest(stack, logicalID)).Text(62)
	return (strings.Repeat("0", n) + text)[len(text):][:n]
}

func uuid(stack, logicalID string) string {
	h := hexDigest(stack, logicalID)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:32]
}
