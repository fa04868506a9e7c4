// Runs cdk-nag's AwsSolutions and Serverless packs over a CloudFormation
// template and prints the findings as JSON: [{"rule", "resource", "text"}].
// Usage: node check.mjs TEMPLATE OUTDIR
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, LegacyStackSynthesizer, Stack, Validations } from 'aws-cdk-lib';
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';

const [templateFile, outdir] = process.argv.slice(2);
const report = join(outdir, 'validation-report.json');
const app = new App({ outdir, analyticsReporting: false });
const stack = new Stack(app, 'Porchlight', { synthesizer: new LegacyStackSynthesizer() });
new CfnInclude(stack, 'Template', { templateFile });
Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
try {
  app.synth();
} catch (error) {
  // Findings make the synthesis fail, after the report has been written.
  if (!existsSync(report)) throw error;
}

const { pluginReports } = JSON.parse(readFileSync(report, 'utf8'));
const findings = pluginReports.flatMap(({ violations }) =>
  violations.flatMap(({ ruleName, description, violatingConstructs }) =>
    violatingConstructs.map(({ constructPath }) => ({
      rule: ruleName,
      // The template's resources are the leaves of the path.
      resource: constructPath.split('/').at(-1),
      text: description,
    }))));
console.log(JSON.stringify(findings, null, 2));
