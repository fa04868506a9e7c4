package policy

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"
	"unicode"
)

const mostReadmeLines = 150

func readmeSize(all files) []fault {
	if n := lines(all["README.md"]); n > mostReadmeLines {
		return []fault{{"README.md", fmt.Sprintf("%d lines", n), fmt.Sprintf("at most %d: move detail to docs/guides", mostReadmeLines)}}
	}
	return nil
}

// codeInMarkdown is what no link is looked for in.
func codeInMarkdown() *regexp.Regexp {
	return regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
}

func links(all files) (faults []fault) {
	link := regexp.MustCompile(`\]\(([^)\s]+)[^)]*\)`)
	folders := map[string]bool{".": true}
	for name := range all {
		for dir := path.Dir(name); !folders[dir]; dir = path.Dir(dir) {
			folders[dir] = true
		}
	}
	for name, content := range all {
		if path.Ext(name) != ".md" {
			continue
		}
		for _, match := range link.FindAllSubmatch(codeInMarkdown().ReplaceAll(content, nil), -1) {
			target, err := url.Parse(string(match[1]))
			if err != nil {
				faults = append(faults, fault{name, fmt.Sprintf("link %s: %v", match[1], err), "write a valid address"})
				continue
			}
			if target.Scheme != "" || target.Host != "" {
				continue // tests have no network
			}
			file := path.Join(path.Dir(name), target.Path)
			if target.Path == "" {
				file = name
			}
			page, isFile := all[file]
			switch {
			case !isFile && !folders[file]:
				faults = append(faults, fault{name, fmt.Sprintf("link %s leads nowhere", match[1]), "write the page or remove the link"})
			case target.Fragment != "" && !headings(page)[strings.ToLower(target.Fragment)]:
				faults = append(faults, fault{name, fmt.Sprintf("link %s: no such heading", match[1]), "name a heading of " + file})
			}
		}
	}
	return faults
}

// headings of a page, as the anchors that code hosts make of them.
func headings(page []byte) map[string]bool {
	anchors := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^#+ +(.+?) *$`).FindAllSubmatch(page, -1) {
		anchors[strings.Map(func(r rune) rune {
			switch {
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			case r == ' ':
				return '-'
			}
			return -1
		}, string(match[1]))] = true
	}
	return anchors
}

func noMarkers(all files) []fault {
	return search(all, `\b(TO`+`DO|FIX`+`ME|X`+`XX)\b`, "do it now, or open an issue and remove the note")
}

// noMachine keeps the traces of one machine or one company's mirrors out.
func noMachine(all files) []fault {
	faults := search(all, `(^|[^\w.$}])/(wo`+`rk|ro`+`ot|tmp/w)/`, "use a relative path, a temporary folder or a setting")
	hosts := `https?://[\w.-]*(regis` + `try|arti` + `factory|nex` + `us|jfrog|proxy\.go` + `lang)[\w.-]*`
	return append(faults, search(all, hosts, "leave the choice of registry to each machine's own settings")...)
}

func search(all files, pattern, cure string) (faults []fault) {
	re := regexp.MustCompile(pattern)
	for name, content := range all {
		if strings.Contains(name, "/testdata/fuzz/") {
			continue // found by chance
		}
		if at := re.FindIndex(content); at != nil {
			line := 1 + lines(content[:at[0]])
			faults = append(faults, fault{name, fmt.Sprintf("line %d: %q", line, content[at[0]:at[1]]), cure})
		}
	}
	return faults
}
