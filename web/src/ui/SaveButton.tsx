import { useEffect, useMemo } from "preact/hooks";
import type { ClipFile } from "../api/types";
import { t } from "../messages";
import { Download, saveInBrowser } from "../playback/download";
import { Icon } from "./icons";
import { Notice } from "./Notice";

interface Props {
  ask: (signal: AbortSignal) => Promise<ClipFile>;
  /** Says what keeps it from being asked for, if anything does. */
  refuse?: () => string | undefined;
  onRefused?: (why: string | undefined) => void;
}

/** Has an MP4 file made and saves it, saying how far it is. */
export function SaveButton({ ask, refuse, onRefused }: Props) {
  const download = useMemo(() => new Download(saveInBrowser), []);
  useEffect(() => () => download.stop(), [download]);
  const state = download.state.value;
  const busy = state.name === "preparing";

  function press() {
    if (busy) return download.stop();
    const why = refuse?.();
    onRefused?.(why);
    if (why === undefined) void download.start(ask);
  }

  return (
    <div class="save" data-testid="save" data-state={state.name}>
      <button type="button" class="button" data-testid="save-mp4" onClick={press}>
        {!busy && <Icon name="save" />}
        {busy ? t.save.cancel : t.save.button}
      </button>
      <div class="save-words" role="status">
        {busy && t.save.preparing}
        {state.name === "done" && (
          <>
            {t.save.done(t.save.size(state.file.bytes))}{" "}
            <a class="text-link" href={state.file.url} download="" data-testid="save-link">
              {t.save.link}
            </a>
          </>
        )}
      </div>
      {state.name === "failed" && <Notice problem={state.problem} />}
    </div>
  );
}
