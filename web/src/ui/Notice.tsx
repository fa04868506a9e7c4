import type { Problem } from "../lib/problem";
import { t } from "../messages";
import { Icon } from "./icons";

interface Props {
  problem: Problem;
  /** Left out where trying again by hand makes no sense. */
  onRetry?: () => void;
  retryLabel?: string;
  /** Nothing is wrong, it only is so. */
  quiet?: boolean;
}

/** Something went wrong: the cause, the cure and, where it helps, a button. */
export function Notice({ problem, onRetry, retryLabel = t.retry, quiet = false }: Props) {
  return (
    <div class={`notice notice-${quiet ? "quiet" : "bad"}`} role={quiet ? "status" : "alert"} data-testid="notice">
      <Icon name={quiet ? "info" : "warning"} />
      <div class="notice-text">
        <p class="notice-title">{problem.title}</p>
        {problem.detail && <p>{problem.detail}</p>}
      </div>
      {onRetry && (
        <button type="button" class="button" onClick={onRetry}>
          {retryLabel}
        </button>
      )}
    </div>
  );
}
