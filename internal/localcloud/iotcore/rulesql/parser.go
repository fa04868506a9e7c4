package rulesql

import "fmt"

// Bounds that keep a hostile statement small.
const (
	maxStatement = 8192
	maxDepth     = 32
)

// Query is one parsed statement. It is safe for concurrent use.
type Query struct {
	all    bool // SELECT *
	fields []field
	filter string
	where  expression // nil: every message
}

type field struct {
	name  string
	value expression
}

// Filter returns the topic filter of FROM.
func (q *Query) Filter() string { return q.filter }

// Matches reports whether the message's topic is selected by FROM.
func (q *Query) Matches(topic string) bool { return MatchTopic(q.filter, topic) }

type parser struct {
	tokens []token
	depth  int
}

// Parse reads one statement. Errors wrap ErrSyntax and name the token.
func Parse(sql string) (*Query, error) {
	if len(sql) > maxStatement {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrSyntax, maxStatement)
	}
	tokens, err := lex(sql)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	q := &Query{}
	if err := p.query(q); err != nil {
		return nil, err
	}
	return q, nil
}

func (p *parser) peek() token { return p.tokens[0] }

func (p *parser) next() token {
	t := p.tokens[0]
	if t.kind != end {
		p.tokens = p.tokens[1:]
	}
	return t
}

func (p *parser) keyword(k string) error {
	if t := p.next(); !t.is(k) {
		return t.fail("want %s", k)
	}
	return nil
}

func (p *parser) query(q *Query) error {
	if err := p.keyword("SELECT"); err != nil {
		return err
	}
	if err := p.selection(q); err != nil {
		return err
	}
	if err := p.keyword("FROM"); err != nil {
		return err
	}
	from := p.next()
	if from.kind != text {
		return from.fail("want the topic filter in single quotes")
	}
	if err := checkFilter(from.value); err != nil {
		return from.fail("%s", err)
	}
	q.filter = from.value
	if p.peek().is("WHERE") {
		p.next()
		where, err := p.or()
		if err != nil {
			return err
		}
		q.where = where
	}
	if t := p.next(); t.kind != end {
		return t.fail("not supported here")
	}
	return nil
}

func (p *parser) selection(q *Query) error {
	names := map[string]bool{}
	for {
		if p.peek().symbol("*") {
			star := p.next()
			if q.all || len(q.fields) > 0 {
				return star.fail("* must come first and once")
			}
			q.all = true
		} else {
			at := p.peek()
			f, err := p.field()
			if err != nil {
				return err
			}
			if names[f.name] {
				return at.fail("two fields are named %q", f.name)
			}
			names[f.name] = true
			q.fields = append(q.fields, f)
		}
		if !p.peek().symbol(",") {
			return nil
		}
		p.next()
	}
}

func (p *parser) field() (field, error) {
	at := p.peek()
	value, err := p.operand()
	if err != nil {
		return field{}, err
	}
	if p.peek().is("AS") {
		p.next()
		name := p.next()
		if name.kind != word || reserved(name.value) {
			return field{}, name.fail("want a name after AS")
		}
		return field{name.value, value}, nil
	}
	if path, ok := value.(path); ok {
		return field{path[len(path)-1], value}, nil
	}
	return field{}, at.fail("give this expression a name with AS")
}
