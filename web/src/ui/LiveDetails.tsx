import { PHASES } from "../live/connection";
import type { Live } from "../live/live";
import { live as words } from "../live/messages";
import { Fact } from "./EventDetails";

const { details } = words;

/** For whoever wants to know why it is slow, or how fast it was. */
export function LiveDetails({ live }: { live: Live }) {
  const join = live.join.value;
  const numbers = live.numbers.value;
  const way = live.way.value;
  const steps = PHASES.flatMap((phase, i) => {
    const [done, before] = [join[phase], i === 0 ? 0 : join[PHASES[i - 1] ?? phase]];
    return done === undefined || before === undefined ? [] : [{ phase, ms: Math.max(0, done - before) }];
  });
  return (
    <details class="live-details" data-testid="live-details">
      <summary>{details.heading}</summary>
      {steps.length === 0 && <p class="player-note">{details.none}</p>}
      <dl class="facts">
        {join.picture !== undefined && (
          <Fact name={details.total} testid="live-join">
            {details.ms(join.picture)}
          </Fact>
        )}
        {steps.map(({ phase, ms }) => (
          <Fact key={phase} name={details.phase[phase]} testid={`live-join-${phase}`}>
            {details.ms(ms)}
          </Fact>
        ))}
        {way === "hls" && <Fact name={details.way}>{details.hls}</Fact>}
        {way === "webrtc" && numbers && (
          <>
            {numbers.relayed !== undefined && <Fact name={details.way}>{numbers.relayed ? details.relayed : details.direct}</Fact>}
            {numbers.width > 0 && <Fact name={details.picture}>{details.pictureOf(numbers.width, numbers.height, numbers.rate)}</Fact>}
            {numbers.codec && <Fact name={details.codec}>{numbers.codec}</Fact>}
            {live.sent.value && <Fact name={details.stream}>{live.sent.value}</Fact>}
            {numbers.bitsPerSecond > 0 && <Fact name={details.rate}>{details.rateOf(numbers.bitsPerSecond)}</Fact>}
            {numbers.trip !== undefined && <Fact name={details.trip}>{details.ms(numbers.trip)}</Fact>}
            {numbers.buffer !== undefined && <Fact name={details.buffer}>{details.ms(numbers.buffer)}</Fact>}
            <Fact name={details.lost}>{numbers.lost}</Fact>
          </>
        )}
      </dl>
    </details>
  );
}
