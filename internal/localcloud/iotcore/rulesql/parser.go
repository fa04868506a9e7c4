package rulesql

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

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

func (p *parser) or() (expression, error)  { return p.chain("OR", p.and) }
func (p *parser) and() (expression, error) { return p.chain("AND", p.not) }

// chain reads operands joined by one logical operator.
func (p *parser) chain(operator string, operand func() (expression, error)) (expression, error) {
	left, err := operand()
	for err == nil && p.peek().is(operator) {
		p.next()
		var right expression
		right, err = operand()
		left = logical{or: operator == "OR", left: left, right: right}
	}
	return left, err
}

func (p *parser) not() (expression, error) {
	if !p.peek().is("NOT") {
		return p.comparison()
	}
	at := p.next()
	if p.depth++; p.depth > maxDepth {
		return nil, at.fail("nested too deeply")
	}
	defer func() { p.depth-- }()
	of, err := p.not()
	return negation{of}, err
}

func (p *parser) comparison() (expression, error) {
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	op := p.peek()
	if op.kind != symbol || !slices.Contains([]string{"=", "<>", "<", "<=", ">", ">="}, op.value) {
		return left, nil
	}
	p.next()
	right, err := p.operand()
	return comparison{op.value, left, right}, err
}

func (p *parser) operand() (expression, error) {
	t := p.next()
	switch {
	case t.symbol("("):
		if p.depth++; p.depth > maxDepth {
			return nil, t.fail("nested too deeply")
		}
		defer func() { p.depth-- }()
		inner, err := p.or()
		if err != nil {
			return nil, err
		}
		if c := p.next(); !c.symbol(")") {
			return nil, c.fail("want )")
		}
		return inner, nil
	case t.kind == text:
		return literal{t.value}, nil
	case t.kind == number:
		return numberLiteral(t, "")
	case t.symbol("-") && p.peek().kind == number:
		return numberLiteral(p.next(), "-")
	case t.is("TRUE"), t.is("FALSE"):
		return literal{t.is("TRUE")}, nil
	case t.kind != word || reserved(t.value):
		return nil, t.fail("want a field, a function or a literal")
	case p.peek().symbol("("):
		return p.call(t)
	}
	names := path{t.value}
	for p.peek().symbol(".") {
		p.next()
		name := p.next()
		if name.kind != word {
			return nil, name.fail("want a field name")
		}
		names = append(names, name.value)
	}
	return names, nil
}

func numberLiteral(t token, sign string) (expression, error) {
	n := json.Number(sign + t.value)
	if !json.Valid([]byte(n)) {
		return nil, t.fail("not a number")
	}
	return literal{n}, nil
}

func (p *parser) call(name token) (expression, error) {
	p.next() // "("
	var argument *int
	if t := p.peek(); t.kind == number {
		n, err := strconv.Atoi(p.next().value)
		if err != nil || n < 1 {
			return nil, t.fail("want a whole number from 1")
		}
		argument = &n
	}
	if t := p.next(); !t.symbol(")") {
		return nil, t.fail("this argument of %s() is not supported", name.value)
	}
	switch lower := strings.ToLower(name.value); {
	case lower == "topic" && argument != nil:
		return topicLevel(*argument), nil
	case argument != nil:
		return nil, name.fail("takes no argument")
	case lower == "topic":
		return wholeTopic{}, nil
	case lower == "timestamp":
		return timestamp{}, nil
	case lower == "clientid":
		return clientID{}, nil
	}
	return nil, name.fail("function not supported")
}

// reserved words cannot be field names; some belong to constructs of the
// language that are not supported, which is better said than misread.
func reserved(s string) bool {
	return slices.Contains([]string{"select", "from", "where", "as", "and", "or", "not", "in", "exists", "case", "when", "then",
		"else", "end", "value", "like", "group", "order", "by", "null", "true", "false", "set", "let"}, strings.ToLower(s))
}
