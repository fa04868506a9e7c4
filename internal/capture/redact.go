package capture

import "regexp"

var (
	userInfo = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^\s"]*@`)
	secrets  = regexp.MustCompile(`(?i)\b((?:pass(?:word|wd)?|pwd|user(?:name)?|token|key)=)[^&\s"]*`)
)

// Redact takes user names, passwords and tokens out of addresses anywhere in
// a text, also those that some cameras want in the path or the query.
func Redact(text string) string {
	text = userInfo.ReplaceAllString(text, "${1}***@")
	return secrets.ReplaceAllString(text, "${1}***")
}
