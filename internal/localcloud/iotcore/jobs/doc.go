// Package jobs is a local AWS IoT Jobs: jobs are made and canceled by HTTP (the
// iot API), and things work them off by MQTT or HTTP (the iot-jobs-data API).
//
// Sources: "Jobs device MQTT API operations", "Jobs notifications", "AWS IoT
// jobs API operations" and "Job and job execution states" in the AWS IoT Core
// developer guide (https://docs.aws.amazon.com/iot/latest/developerguide/iot-jobs.html)
// and the API reference; limits from "AWS IoT Device Management endpoints and
// quotas".
//
// Not offered, and refused with a word about it: thing groups and continuous
// jobs, documents in S3, presigned URLs, templates, rollout, abort, retry and
// schedule. Answers by MQTT go to those who subscribed to them; AWS sends them to
// the client that asked even without a subscription. A job is deleted at once.
// When there is no more room the oldest finished jobs make it.
package jobs
